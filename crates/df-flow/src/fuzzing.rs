//! Bodies of fuzz targets: what must hold for any packets. Not part of the API.

use std::net::Ipv4Addr;

use df_core::{
    Chunk, Command, Direction, Endpoint, EventSource, FlowKey, Packet, Socket, SocketActivity, SocketData,
    SocketEvent, SocketId, SocketRole, StreamPosition, Task, TcpFlags, TcpSegment, Timestamp, Transfer,
    Transport, TransportHeader,
};

use crate::{
    ConversationEnds, DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable, SocketConfig,
    SocketSink, SocketTable,
};

/// Reads any bytes as packets of a few hosts, gives them to a small table and checks its bounds and its account.
pub fn packets(mut data: &[u8]) {
    let config = FlowConfig {
        max_flows: 4,
        max_out_of_order_bytes: 600,
        max_total_out_of_order_bytes: 1_000,
        record_interval: data.first().is_none_or(|first| first & 1 == 0).then_some(TEN_SECONDS),
        rest_after: std::time::Duration::from_secs(1),
        ..FlowConfig::default()
    };
    let (mut table, mut check) = (FlowTable::new(config), Check::default());
    let mut now = Timestamp::from_parts(1_000, 0);
    while let Some((head, rest)) = data.split_first_chunk::<8>() {
        let [ends, flags, number, number_high, acknowledgment, len, seconds, window] = *head;
        let (payload, after) = rest.split_at(usize::from(len).min(rest.len()));
        data = after;
        now = now.saturating_add(std::time::Duration::from_millis(u64::from(seconds) * u64::from(seconds)));
        let end =
            |host: u8| Endpoint::new(Ipv4Addr::new(10, 0, 0, host & 3).into(), u16::from(host & 1) + 40);
        let sequence_number = u32::from(number) | (u32::from(number_high & 0x0f) << 28);
        let header = if flags & 0x80 == 0 {
            let acknowledgment_number = sequence_number.wrapping_add(u32::from(acknowledgment));
            let segment =
                TcpSegment::new(sequence_number, acknowledgment_number, TcpFlags(flags), u16::from(window));
            TransportHeader::Tcp(segment)
        } else {
            TransportHeader::Udp
        };
        let mut packet = Packet::new(now, end(ends), end(ends >> 4), header, payload);
        packet.payload_len += u32::from(number_high >> 4);
        if window & 0x0f == 1 {
            // Of these ports there are connections with the numbers 0 and 158.
            table.leave_out(u16::from(window));
        }
        check.packets += 1;
        table.handle_packet(&packet, &mut check);
        assert!(table.len() <= 4, "the table holds no more flows than its bound");
        assert!(table.stats().held_bytes <= 1_000 + 255, "the table holds no more bytes than its bound");
    }
    table.finish(&mut check);
    let stats = table.stats();
    assert_eq!(stats.flows_opened, stats.flows_ended, "every flow ends");
    assert_eq!(
        stats.payload_bytes,
        stats.delivered_bytes + stats.repeated_bytes + stats.left_out_bytes,
        "every byte is accounted for"
    );
    assert_eq!(
        check.packets,
        check.recorded + stats.packets_left_out,
        "every packet is in one record, or left out"
    );
}

/// Reads any bytes as events of a few sockets, gives them to a small table and checks its bounds and its account.
pub fn socket_events(mut data: &[u8]) {
    let config = SocketConfig {
        max_conversations: 4,
        max_out_of_order_bytes: 600,
        max_total_out_of_order_bytes: 1_000,
        ..SocketConfig::default()
    };
    let (mut table, mut check) = (SocketTable::new(config), InOrder);
    let mut now = Timestamp::from_parts(1_000, 0);
    while let Some((head, rest)) = data.split_first_chunk::<6>() {
        let [socket, what, position, position_high, len, millis] = *head;
        let (payload, after) = rest.split_at(usize::from(len).min(rest.len()));
        data = after;
        now = now.saturating_add(std::time::Duration::from_millis(u64::from(millis) * u64::from(millis)));
        let activity = activity(what, u32::from(position) | (u32::from(position_high) << 26), payload);
        let task = Task::new(1, 1, Command::default());
        table.handle_event(&SocketEvent::new(now, socket_of(socket), task, activity), &mut check);
        assert!(table.len() <= 4, "the table holds no more conversations than its bound");
    }
    table.finish(&mut check);
    let stats = table.stats();
    assert_eq!(stats.conversations_opened, stats.conversations_ended, "every conversation ends");
    assert!(stats.delivered_bytes <= stats.payload_bytes, "no byte is delivered twice");
}

fn socket_of(byte: u8) -> Socket {
    let end = |host: u8| Endpoint::new(Ipv4Addr::new(10, 0, 0, host).into(), 40 + u16::from(host));
    let transport = if byte & 0x80 == 0 { Transport::Tcp } else { Transport::Udp };
    let role = match byte >> 5 & 3 {
        0 => SocketRole::Unknown,
        1 => SocketRole::Client,
        _ => SocketRole::Server,
    };
    Socket::new(SocketId(u64::from(byte & 7)), transport, end(1), end(byte >> 3 & 3)).with_role(role)
}

fn activity(what: u8, number: u32, payload: &[u8]) -> SocketActivity<'_> {
    let position = match what & 7 {
        0 => return SocketActivity::Opened,
        1 => return SocketActivity::Closed,
        2 => StreamPosition::Datagram,
        3 => StreamPosition::Plaintext { offset: u64::from(number), sequence_number: Some(number) },
        _ => StreamPosition::Tcp(number),
    };
    let transfer = if what & 8 == 0 { Transfer::Sent } else { Transfer::Received };
    let data = SocketData::new(transfer, EventSource::Syscall, position, payload, [Timestamp::ZERO; 2]);
    SocketActivity::Data(data.with_original_len(payload.len() + usize::from(what >> 4)))
}

/// Checks that the chunks of each direction follow one another.
struct InOrder;

impl SocketSink<[u64; 2]> for InOrder {
    fn opened(&mut self, _: &ConversationEnds) -> [u64; 2] {
        [0; 2]
    }

    fn chunk(&mut self, _: &ConversationEnds, ends: &mut [u64; 2], chunk: Chunk<'_>) {
        let end = match chunk.direction {
            Direction::ToServer => &mut ends[0],
            Direction::ToClient => &mut ends[1],
        };
        assert!(chunk.offset >= *end, "chunks come in order and do not overlap");
        *end = chunk.end_offset();
    }

    fn ended(&mut self, _: &ConversationEnds, _: [u64; 2]) {}
}

const TEN_SECONDS: std::time::Duration = std::time::Duration::from_secs(10);

#[derive(Default)]
struct Check {
    packets: u64,
    recorded: u64,
}

impl Check {
    fn add(&mut self, record: &FlowRecord) {
        self.recorded += record.to_server.packets + record.to_client.packets;
        for counters in [&record.to_server, &record.to_client] {
            // A packet is at most one of these, or one of those.
            let placed = [counters.retransmissions, counters.out_of_order, counters.keep_alives];
            let probing = [counters.zero_window_probes, counters.duplicate_acknowledgments];
            let troubled: u64 = placed.into_iter().chain(probing).map(u64::from).sum();
            assert!(troubled <= counters.packets, "a packet is counted as one trouble");
            assert!(u64::from(counters.resets) <= counters.packets, "a reset is a packet");
            assert!(counters.retransmitted_bytes <= counters.l4_bytes, "what came again has come");
        }
        for delay in [record.delays.srt, record.delays.srt_client, record.delays.art, record.delays.cit] {
            assert!(delay.longest_ns <= delay.sum_ns, "no delay is longer than all together");
            assert_eq!(delay.count == 0, delay == crate::Delay::default(), "what is not measured is zero");
        }
    }
}

impl FlowSink<[u64; 2]> for Check {
    fn opened(&mut self, _: &FlowKey) -> [u64; 2] {
        [0, 0]
    }

    fn chunk(&mut self, _: &FlowKey, ends: &mut [u64; 2], chunk: Chunk<'_>) -> DirectionEvidence {
        let end = &mut ends[chunk.direction.index()];
        assert!(chunk.offset >= *end, "bytes are delivered once and in order");
        *end = chunk.end_offset();
        match chunk.bytes {
            [b'R', ..] => DirectionEvidence::Reversed,
            [b'C', ..] => DirectionEvidence::Confirmed,
            _ => DirectionEvidence::None,
        }
    }

    fn deadline(&self, ends: &[u64; 2]) -> Option<Timestamp> {
        (ends[0] % 3 == 1).then(|| Timestamp::from_parts(1_050, 0))
    }

    fn reported(&mut self, record: FlowRecord, _: &mut [u64; 2]) {
        self.add(&record);
    }

    fn ended(&mut self, record: FlowRecord, _: [u64; 2]) {
        self.add(&record);
    }
}
