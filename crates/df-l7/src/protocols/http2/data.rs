//! Bodies of streams: DATA payloads that are counted, and the messages of gRPC in them.

/// Counts the messages of gRPC in one direction of a stream: each is a flag, a length of four bytes, and so many bytes.
#[derive(Debug, Default)]
pub(super) struct MessageCounter {
    messages: u64,
    /// How much of the message at hand is still to come.
    remaining: u64,
    /// The front of a prefix that was cut by the end of a frame.
    prefix: [u8; PREFIX_BYTES],
    prefix_len: usize,
    /// Bytes were missed or are no messages: how many there were cannot be told.
    is_lost: bool,
}

impl MessageCounter {
    /// How many messages were begun.
    pub(super) const fn messages(&self) -> Option<u64> {
        if self.is_lost { None } else { Some(self.messages) }
    }

    pub(super) fn lose(&mut self) {
        self.is_lost = true;
    }

    /// Takes bytes from the front of a payload, of which `bytes` are at hand. Gives how many bytes it is done with, which
    /// may be more than there are.
    pub(super) fn handle(&mut self, bytes: &[u8], payload_len: usize) -> usize {
        if self.is_lost {
            return payload_len;
        }
        if self.remaining > 0 {
            let skipped = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(payload_len);
            self.remaining = self.remaining.saturating_sub(u64::try_from(skipped).unwrap_or(u64::MAX));
            return skipped;
        }
        let mut taken = 0;
        for byte in bytes.iter().take(payload_len) {
            taken += 1;
            if self.handle_prefix(*byte) {
                break;
            }
        }
        taken
    }

    /// Gives whether the prefix is complete.
    fn handle_prefix(&mut self, byte: u8) -> bool {
        if let Some(place) = self.prefix.get_mut(self.prefix_len) {
            *place = byte;
            self.prefix_len += 1;
        }
        if self.prefix_len < PREFIX_BYTES {
            return false;
        }
        let [flags, length @ ..] = self.prefix;
        self.prefix_len = 0;
        self.remaining = u64::from(u32::from_be_bytes(length));
        self.messages += 1;
        self.is_lost = flags > 1;
        true
    }
}

const PREFIX_BYTES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn count(payloads: &[&[u8]]) -> Option<u64> {
        let mut counter = MessageCounter::default();
        for payload in payloads {
            let mut rest = *payload;
            while !rest.is_empty() {
                let taken = counter.handle(rest, rest.len());
                rest = rest.get(taken..).unwrap_or_default();
            }
        }
        counter.messages()
    }

    #[test]
    fn messages_across_frames() {
        assert_eq!(count(&[&[0, 0, 0, 0, 0]]), Some(1));
        assert_eq!(count(&[&[0, 0, 0, 0, 2, 7, 7, 1, 0, 0, 0, 0]]), Some(2));
        assert_eq!(count(&[&[0, 0], &[0, 0, 3, 7], &[7, 7, 0], &[0, 0, 0, 0]]), Some(2));
        assert_eq!(count(&[&[5, 0, 0, 0, 0]]), None);
    }
}
