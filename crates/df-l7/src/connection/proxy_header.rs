//! What a proxy puts in front of a connection that it hands on: HAProxy's PROXY protocol, versions 1 and 2.

/// How long the header is with which these first bytes of a connection begin; none if there is none, or not all of it.
///
/// ```text
/// version 1: PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\n     at most 107 bytes
/// version 2: \r\n\r\n\0\r\nQUIT\n | version and command u8 | family u8 | length u16 | addresses and more
/// ```
pub(super) fn header_len(bytes: &[u8]) -> Option<usize> {
    match bytes.first() {
        Some(b'P') if bytes.starts_with(b"PROXY ") => version_1(bytes),
        Some(b'\r') => version_2(bytes),
        _ => None,
    }
}

fn version_1(bytes: &[u8]) -> Option<usize> {
    let end = memchr::memchr(b'\n', bytes.get(..MAX_LINE_BYTES).unwrap_or(bytes))?;
    let line = bytes.get(..end)?.strip_suffix(b"\r")?;
    let mut words = line.split(|byte| *byte == b' ').skip(1);
    let is_known = match words.next()? {
        b"UNKNOWN" => true,
        b"TCP4" | b"TCP6" => words.count() == 4,
        _ => false,
    };
    is_known.then_some(end + 1)
}

fn version_2(bytes: &[u8]) -> Option<usize> {
    let &[version, _family, len_0, len_1] = bytes.strip_prefix(SIGNATURE)?.first_chunk::<4>()?;
    let len = SIGNATURE.len() + 4 + usize::from(u16::from_be_bytes([len_0, len_1]));
    (matches!(version, 0x20 | 0x21) && len <= bytes.len()).then_some(len)
}

/// The longest line of version 1, with its end.
const MAX_LINE_BYTES: usize = 107;
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use df_core::{Chunk, Direction, Timestamp, Transport};

    use super::*;
    use crate::{Connection, ConnectionConfig};

    const ADDRESSES: &[u8] = b"\xc0\0\x02\x01\xc0\0\x02\x02\x9c\x40\x01\xbb";

    fn version_2_header(command: u8) -> Vec<u8> {
        [SIGNATURE, &[command, 0x11, 0, 12], ADDRESSES].concat()
    }

    #[test]
    fn headers_of_both_versions() {
        let table: &[(&[u8], Option<usize>)] = &[
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\nGET", Some(42)),
            (b"PROXY TCP6 ::1 ::2 1 2\r\n", Some(24)),
            (b"PROXY UNKNOWN\r\n", Some(15)),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 443", None),
            (b"PROXY TCP4 192.0.2.1\r\n", None),
            (b"PROXY / HTTP/1.1\r\n", None),
            (b"POST / HTTP/1.1\r\n", None),
            (&version_2_header(0x21), Some(28)),
            (&version_2_header(0x20), Some(28)),
            (&version_2_header(0x31), None),
            (&version_2_header(0x21)[..27], None),
        ];
        for (bytes, expected) in table {
            assert_eq!(header_len(bytes), *expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_comes_behind_is_found_out() {
        let request = b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n";
        for header in [b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\n".to_vec(), version_2_header(0x21)] {
            let (len, all) = (u32::try_from(header.len()).unwrap(), [&header[..], request].concat());
            for pieces in [vec![&all[..]], vec![&header[..], request]] {
                let mut connection = Connection::new(Transport::Tcp, Arc::new(ConnectionConfig::default()));
                let mut offset = 0;
                for piece in pieces {
                    let chunk = Chunk::new(Direction::ToServer, Timestamp::ZERO, offset.into(), piece);
                    connection.handle_chunk(chunk.with_sequence_number(7 + offset));
                    offset += u32::try_from(piece.len()).unwrap();
                }
                connection.handle_close();
                let request = connection.poll_exchange().unwrap().request.unwrap();
                assert_eq!(request.content.resource.as_deref(), Some("/a"));
                assert_eq!(request.sequence_number, Some(7 + len));
                assert_eq!(connection.stats().bytes_unknown, u64::from(len));
            }
        }
    }
}
