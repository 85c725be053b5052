//! ICMP and ICMPv6: who asks and who answers, and the packet that an error quotes.

use df_core::{Endpoint, FlowKey, IcmpHeader, IcmpRole, Packet, Transport, TransportHeader};
use etherparse::IpNumber;

use super::error::{Fault, Layer};
use super::ip::{self, Datagram};
use super::link::{IpVersion, Network};
use super::transport::Segment;

/// ```text
/// type u8 | code u8 | checksum u16 | identifier u16 | sequence number u16, for those that ask and answer
/// ```
///
/// RFC 792, RFC 4443 §4. The identifier stands in for the port of the end that asks: both messages of a pair have the
/// same ends.
pub(super) fn message<'a>(datagram: &Datagram<'a>) -> Result<Segment<'a>, Fault<'a>> {
    let bytes = datagram.bytes;
    let Some(&[kind, code, _, _, id_0, id_1, _, _]) = bytes.first_chunk::<HEADER_LEN>() else {
        return Err(Fault::truncated(Layer::Icmp, bytes));
    };
    let role = role(kind, datagram.protocol == IpNumber::IPV6_ICMP);
    let identifier = u16::from_be_bytes([id_0, id_1]);
    let (source_port, destination_port) = match role {
        IcmpRole::Request => (identifier, 0),
        IcmpRole::Reply => (0, identifier),
        _ => (0, 0),
    };
    Ok(Segment {
        source: Endpoint::new(datagram.source, source_port),
        destination: Endpoint::new(datagram.destination, destination_port),
        header: TransportHeader::Icmp(IcmpHeader::new(kind, code).with_role(role)),
        payload: bytes,
        payload_len: datagram.wire_len,
    })
}

/// The flow of the packet that the error `packet` quotes, where as much of it is there as tells its ends.
#[cold]
pub(super) fn quoted(packet: &Packet<'_>, is_v6: bool) -> Option<FlowKey> {
    let bytes = packet.payload.get(HEADER_LEN..)?;
    let version = Some(if is_v6 { IpVersion::V6 } else { IpVersion::V4 });
    let network = Network { version, bytes, vlan: packet.vlan, interface: packet.interface };
    // The quotation is cut, its header tells the whole packet's length.
    let datagram = ip::datagram(&network, u32::MAX).ok()?;
    if datagram.fragment.is_some_and(|place| place.offset != 0) {
        return None;
    }
    let &[s0, s1, d0, d1] = datagram.bytes.first_chunk::<4>()?;
    let (source, destination) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    let (transport, source, destination) = match datagram.protocol {
        IpNumber::TCP => (Transport::Tcp, source, destination),
        IpNumber::UDP => (Transport::Udp, source, destination),
        IpNumber::SCTP => (Transport::Sctp, source, destination),
        IpNumber::ICMP | IpNumber::IPV6_ICMP => {
            let segment = message(&datagram).ok()?;
            (Transport::Icmp, segment.source.port, segment.destination.port)
        }
        _ => return None,
    };
    Some(FlowKey {
        transport,
        client: Endpoint::new(datagram.source, source),
        server: Endpoint::new(datagram.destination, destination),
        ..packet.flow_key()
    })
}

/// Echo, timestamp, information and address mask ask and answer; what is below 128 in ICMPv6 is an error.
const fn role(kind: u8, is_v6: bool) -> IcmpRole {
    match (is_v6, kind) {
        (false, 8 | 13 | 15 | 17) | (true, 128) => IcmpRole::Request,
        (false, 0 | 14 | 16 | 18) | (true, 129) => IcmpRole::Reply,
        (false, 3 | 4 | 5 | 11 | 12) | (true, 1..=127) => IcmpRole::Error,
        _ => IcmpRole::None,
    }
}

const HEADER_LEN: usize = 8;
