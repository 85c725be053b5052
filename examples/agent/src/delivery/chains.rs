//! The tunnels around flows, kept until the flows' exchanges are told.

use std::collections::{HashMap, VecDeque};

use df_core::{FlowKey, Tunnel};

/// The chains of the flows that were last seen in tunnels. The oldest is forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    known: HashMap<FlowKey, Box<[Tunnel]>>,
    order: VecDeque<FlowKey>,
}

impl Chains {
    /// Takes note of a flow's chain; it replaces that of an earlier flow with the same key.
    pub(crate) fn insert(&mut self, key: &FlowKey, tunnels: &[Tunnel]) {
        if self.known.insert(*key, tunnels.into()).is_some() {
            return;
        }
        self.order.push_back(*key);
        if self.order.len() > MAX_CHAINS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// The chain of a flow, whichever end is the client; empty where there is none.
    pub(crate) fn of(&self, key: &FlowKey) -> &[Tunnel] {
        if self.known.is_empty() {
            return &[];
        }
        self.known.get(key).or_else(|| self.known.get(&key.reversed())).map_or(&[], |chain| chain)
    }
}

const MAX_CHAINS: usize = 65_536;

#[cfg(test)]
mod tests {
    use df_core::{Endpoint, Packet, Timestamp, TransportHeader, TunnelKind};

    use super::*;

    #[test]
    fn the_oldest_chain_is_forgotten_first() {
        let key = |number: usize| {
            let [.., high, port_0, port_1] = number.to_be_bytes();
            let client = Endpoint::new([10, 0, high, 1].into(), u16::from_be_bytes([port_0, port_1]));
            let server = Endpoint::new([10, 1, 0, 1].into(), 53);
            Packet::new(Timestamp::ZERO, client, server, TransportHeader::Udp, b"").flow_key()
        };
        let tunnels = [Tunnel::new(TunnelKind::Gre, None)];
        let mut chains = Chains::default();
        assert!(chains.of(&key(2)).is_empty());
        for number in 2..MAX_CHAINS + 3 {
            chains.insert(&key(number), &tunnels);
        }
        assert!(chains.of(&key(2)).is_empty());
        assert_eq!(
            (chains.of(&key(3)), chains.of(&key(MAX_CHAINS + 2).reversed())),
            (&tunnels[..], &tunnels[..])
        );
        assert_eq!(chains.known.len(), MAX_CHAINS);
    }
}
