//! Where things were seen: names of interfaces, and which ends of a connection belong to them.

use std::net::IpAddr;

use df_core::{Endpoint, FlowKey, InterfaceId};
use df_trace::{LocalEnds, ObservationPoint};

/// The interfaces of a capture.
#[derive(Debug, Default)]
pub(crate) struct Interfaces {
    named: Vec<(InterfaceId, String)>,
    /// The addresses of this host, where it is this host that is observed.
    addresses: Vec<(InterfaceId, IpAddr)>,
    is_of_this_host: bool,
}

impl Interfaces {
    /// The interfaces that this host has now, with their addresses.
    pub(crate) fn of_this_host() -> Self {
        let mut interfaces = Self { is_of_this_host: true, ..Self::default() };
        interfaces.look_again();
        interfaces
    }

    /// Takes note of interfaces and addresses that have come since. Those that have gone keep their names.
    pub(crate) fn look_again(&mut self) {
        if !self.is_of_this_host {
            return;
        }
        // Bridge ports and the like have no address, and are only listed here.
        for entry in std::fs::read_dir("/sys/class/net").into_iter().flatten().flatten() {
            let index = std::fs::read_to_string(entry.path().join("ifindex")).unwrap_or_default();
            if let Ok(index) = index.trim().parse() {
                self.set_name(InterfaceId(index), &entry.file_name().to_string_lossy());
            }
        }
        self.addresses.clear();
        for interface in if_addrs::get_if_addrs().unwrap_or_default() {
            if let Some(index) = interface.index {
                self.addresses.push((InterfaceId(index), interface.ip()));
            }
        }
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
        // What this host sends to itself crosses loopback, whichever of its addresses it uses.
        let is_loopback = self.addresses.iter().any(|(id, ip)| *id == key.interface && ip.is_loopback());
        let is_own =
            |ip| self.addresses.iter().any(|(id, own)| *own == ip && (is_loopback || *id == key.interface));
        let is_local = |end: Endpoint| end.ip().is_none_or(|ip| ip.is_loopback() || is_own(ip));
        let ends = match (is_local(key.client), is_local(key.server)) {
            (true, true) => LocalEnds::Both,
            (true, false) => LocalEnds::Client,
            (false, true) => LocalEnds::Server,
            (false, false) => LocalEnds::Neither,
        };
        ObservationPoint::from_local_ends(ends)
    }
}
