//! What of a flow record is measured.

use df_core::Direction;
use df_flow::FlowRecord;

use super::Network;
use super::attribute_set::AttributeSet;

impl Network {
    /// Measures a record. Gives how many measurements went to an overflow.
    pub(super) fn record(&mut self, flow: &FlowRecord) -> u64 {
        let set = flow_attributes(flow);
        let mut overflowed = 0;
        for direction in Direction::BOTH {
            let counters = flow.counters(direction);
            let set = || set.clone().with("df.flow.direction", direction_name(direction));
            if counters.packets > 0 {
                overflowed += u64::from(self.io.record(set(), counters.l3_bytes));
                overflowed += u64::from(self.packets.record(set(), counters.packets));
            }
            if counters.retransmissions > 0 {
                let count = u64::from(counters.retransmissions);
                overflowed += u64::from(self.retransmissions.record(set(), count));
            }
        }
        if flow.is_new {
            overflowed += u64::from(self.opened.record(set.clone(), 1));
        }
        if flow.is_final {
            if let Some(rtt) = flow.handshake.rtt {
                overflowed += u64::from(self.rtt.record(set.clone(), rtt.as_secs_f64()));
            }
            let set = set.with("df.flow.close_type", flow.close_type.name());
            overflowed += u64::from(self.closed.record(set, 1));
        }
        overflowed
    }
}

fn flow_attributes(flow: &FlowRecord) -> AttributeSet {
    let server = flow.key.server;
    AttributeSet::default()
        .with("network.transport", flow.key.transport.name())
        .with("network.type", if server.ip.is_ipv4() { "ipv4" } else { "ipv6" })
        .with("server.address", server.ip)
        .with("server.port", server.port)
}

const fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "to_server",
        Direction::ToClient => "to_client",
    }
}
