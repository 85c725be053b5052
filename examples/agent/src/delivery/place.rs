//! Where things were seen: names of interfaces, and which ends of a connection belong to them.

use std::net::IpAddr;

use df_core::{FlowKey, InterfaceId};
use df_trace::{LocalEnds, ObservationPoint};

/// The interfaces of a capture.
#[derive(Debug, Default)]
pub(crate) struct Interfaces {
    named: Vec<(InterfaceId, String)>,
    /// The addresses of this host, where it is this host that is observed.
    addresses: Vec<(InterfaceId, IpAddr)>,
}

impl Interfaces {
    /// The interfaces that this host has now, with their addresses.
    pub(crate) fn of_this_host() -> Self {
        let mut interfaces = Self::default();
        for interface in if_addrs::get_if_addrs().unwrap_or_default() {
            let ip = interface.ip();
            let Some(id) = interface.index.map(InterfaceId) else { continue };
            interfaces.set_name(id, &interface.name);
            interfaces.addresses.push((id, ip));
        }
        interfaces
    }

    /// Names an interface; a name given before is replaced.
    pub(crate) fn set_name(&mut self, interface: InterfaceId, name: &str) {
        match self.named.iter_mut().find(|(known, _)| *known == interface) {
            Some((_, known)) => name.clone_into(known),
            None => self.named.push((interface, name.to_owned())),
        }
    }

    /// The name of an interface, if it is known.
    pub(crate) fn name(&self, interface: InterfaceId) -> Option<&str> {
        self.named.iter().find(|(known, _)| *known == interface).map(|(_, name)| name.as_str())
    }

    /// Where between client and server the connection is seen.
    pub(crate) fn observation_point(&self, key: &FlowKey) -> ObservationPoint {
        let is_own = |ip| self.addresses.contains(&(key.interface, ip));
        let is_local = |ip: IpAddr| ip.is_loopback() || is_own(ip);
        let ends = match (is_local(key.client.ip), is_local(key.server.ip)) {
            (true, true) => LocalEnds::Both,
            (true, false) => LocalEnds::Client,
            (false, true) => LocalEnds::Server,
            (false, false) => LocalEnds::Neither,
        };
        ObservationPoint::from_local_ends(ends)
    }
}
