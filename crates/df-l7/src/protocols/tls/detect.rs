//! What tells TLS from other protocols, at the beginning of a connection and in its middle.

use df_core::{Direction, Transport};

use super::names::draft_number;
use super::wire::{
    self, ClientHello, HANDSHAKE_HEADER_BYTES, RECORD_HEADER_BYTES, RecordHeader, handshake_kind, record,
};
use crate::{Cursor, Detection};

/// Says whether these bytes are this protocol's. A hello is certain; in the middle of a connection two records in a row
/// are.
pub(super) fn detect(_: Transport, direction: Direction, bytes: &[u8]) -> Detection {
    match bytes.first() {
        Some(&(record::CHANGE_CIPHER_SPEC..=record::APPLICATION_DATA)) => detect_records(direction, bytes),
        Some(&first) if first & 0x80 != 0 => detect_version_2(direction, bytes),
        _ => Detection::NoMatch,
    }
}

/// Whether a record of this direction can start here.
pub(super) fn is_record_start(direction: Direction, bytes: &[u8]) -> bool {
    matches!(detect_records(direction, bytes), Detection::Match(found) if !found.reversed)
}

fn detect_records(direction: Direction, bytes: &[u8]) -> Detection {
    let Some(header) = RecordHeader::read(bytes) else {
        let is_version =
            bytes.get(1).is_none_or(|&major| major == 3) && bytes.get(2).is_none_or(|&minor| minor <= 4);
        return if is_version { Detection::NeedMore } else { Detection::NoMatch };
    };
    if !header.is_plausible() {
        return Detection::NoMatch;
    }
    if header.kind == record::HANDSHAKE
        && let Some(answer) = detect_handshake(direction, bytes, header)
    {
        return answer;
    }
    detect_run(bytes, header)
}

/// None for a handshake message that tells nothing, being encrypted perhaps.
fn detect_handshake(direction: Direction, bytes: &[u8], header: RecordHeader) -> Option<Detection> {
    let mut cursor = Cursor::new(bytes.get(RECORD_HEADER_BYTES..)?);
    let is_cut = cursor.rest().len() < HELLO_START_BYTES.min(header.len);
    let [kind, high, middle, low] = match cursor.array() {
        Some(start) => start,
        None if is_cut => return Some(Detection::NeedMore),
        None => return None,
    };
    let len = usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?;
    let sender = match kind {
        handshake_kind::CLIENT_HELLO
        | handshake_kind::CERTIFICATE_VERIFY
        | handshake_kind::CLIENT_KEY_EXCHANGE => Direction::ToServer,
        handshake_kind::CERTIFICATE => direction,
        handshake_kind::SERVER_HELLO
        | handshake_kind::NEW_TICKET
        | handshake_kind::SERVER_KEY_EXCHANGE
        | handshake_kind::CERTIFICATE_REQUEST
        | handshake_kind::SERVER_HELLO_DONE
        | handshake_kind::CERTIFICATE_STATUS => Direction::ToClient,
        _ => return None,
    };
    if len > MAX_HANDSHAKE_BYTES {
        return None;
    }
    let is_reversed = sender != direction;
    if !matches!(kind, handshake_kind::CLIENT_HELLO | handshake_kind::SERVER_HELLO) {
        return Some(if is_reversed { Detection::WEAK_REVERSED } else { Detection::WEAK });
    }
    let Some(version) = cursor.u16_be() else {
        return is_cut.then_some(Detection::NeedMore);
    };
    let is_version = (0x0300..=0x0304).contains(&version) || draft_number(version).is_some();
    // A client's hello is alone in its records.
    let is_alone =
        kind == handshake_kind::SERVER_HELLO || len.saturating_add(HANDSHAKE_HEADER_BYTES) >= header.len;
    if !is_version || !is_alone || len < MIN_HELLO_BYTES {
        return None;
    }
    Some(if is_reversed { Detection::CERTAIN_REVERSED } else { Detection::CERTAIN })
}

/// Judges by how records follow each other.
fn detect_run(bytes: &[u8], first: RecordHeader) -> Detection {
    let Some(rest) = bytes.get(first.total_bytes()..).filter(|rest| !rest.is_empty()) else {
        return Detection::WEAK;
    };
    match RecordHeader::read(rest) {
        Some(second) if second.is_plausible() && second.version == first.version => Detection::CERTAIN,
        Some(_) => Detection::NoMatch,
        None => Detection::WEAK,
    }
}

fn detect_version_2(direction: Direction, bytes: &[u8]) -> Detection {
    let Some(body) = bytes.get(2..) else { return Detection::NeedMore };
    if body.first().is_some_and(|&kind| kind != handshake_kind::CLIENT_HELLO)
        || body.get(1).is_some_and(|major| !matches!(major, 0 | 3))
    {
        return Detection::NoMatch;
    }
    let Some(expected) = ClientHello::version_2_len(body) else { return Detection::NeedMore };
    let is_hello =
        wire::short_record_len(bytes) == Some(expected) && ClientHello::read_version_2(body).is_some();
    match (is_hello, direction) {
        (false, _) => Detection::NoMatch,
        (true, Direction::ToServer) => Detection::CERTAIN,
        (true, Direction::ToClient) => Detection::CERTAIN_REVERSED,
    }
}

/// Kind, length and version.
const HELLO_START_BYTES: usize = 6;
/// Version, random and an empty identifier, a cipher and a compression.
const MIN_HELLO_BYTES: usize = 38;
/// No handshake message in clear is longer: implementations refuse longer chains of certificates.
const MAX_HANDSHAKE_BYTES: usize = 1 << 18;
