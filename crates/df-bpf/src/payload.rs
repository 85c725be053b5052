//! How many bytes of one call are told, by the ports of its socket.

use std::collections::HashMap;

use df_core::SocketActivity;

use crate::{Event, ProbeConfig};

/// How many bytes of one call are told, by the ports of its socket.
///
/// The programs copy no more where they know both ports beforehand. A datagram may have its other end in the call.
#[derive(Debug, Clone, Default)]
pub(crate) struct PayloadLimits {
    otherwise: usize,
    by_port: HashMap<u16, usize>,
}

impl PayloadLimits {
    pub(crate) fn new(config: &ProbeConfig) -> Self {
        let bytes = |bytes: u32| usize::try_from(bytes).unwrap_or(usize::MAX);
        let by_port = config.port_payload_bytes.iter().map(|(port, limit)| (*port, bytes(*limit)));
        Self { otherwise: bytes(config.payload_bytes), by_port: by_port.collect() }
    }

    /// Leaves out what the ports of an event's socket say.
    pub(crate) fn apply(&self, event: &mut Event<'_>) {
        if self.by_port.is_empty() {
            return;
        }
        if let Event::Socket(event) = event
            && let SocketActivity::Data(data) = &mut event.activity
        {
            let limit = self.of(event.socket.local.port, event.socket.remote.port);
            data.bytes = data.bytes.get(..limit).unwrap_or(data.bytes);
        }
    }

    /// The fewest that one of both ports says.
    fn of(&self, local_port: u16, remote_port: u16) -> usize {
        let of_ports = [local_port, remote_port].map(|port| self.by_port.get(&port).copied());
        of_ports.into_iter().flatten().min().unwrap_or(self.otherwise)
    }
}

/// Most bytes that a port says, or that are said for all others; None: no port says anything.
pub(crate) fn most_bytes(config: &ProbeConfig) -> Option<u32> {
    let most = config.port_payload_bytes.iter().map(|(_, bytes)| *bytes).max()?;
    Some(most.max(config.payload_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_ports_the_one_counts_that_says_less() {
        let config = ProbeConfig::default().with_port_payload_bytes([(3306, 4096), (443, 0), (9000, 100)]);
        let limits = PayloadLimits::new(&config);
        let of = |local, remote| limits.of(local, remote);
        assert_eq!([of(3306, 50_000), of(50_000, 3306), of(3306, 9000)], [4096, 4096, 100]);
        assert_eq!([of(443, 50_000), of(80, 50_000)], [0, 1024]);
        assert_eq!(most_bytes(&config), Some(4096));
        assert_eq!(most_bytes(&ProbeConfig::default()), None);
    }
}
