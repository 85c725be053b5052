//! Network namespaces joined by veth pairs, made with `ip` and removed when dropped.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::PeerError;
use crate::place::{Place, find, is_root, run};

/// A client's and a server's network namespace, joined by a veth pair or by a router between them.
#[derive(Debug)]
pub struct Namespaces {
    names: Vec<String>,
}

impl Namespaces {
    /// The interface of the client and of the server in their own namespaces.
    pub const INTERFACE: &'static str = "eth0";
    /// The client's address.
    pub const CLIENT: &'static str = "10.77.1.1";
    /// The server's address.
    pub const SERVER: &'static str = "10.77.2.1";
    /// The router's interface towards the client.
    pub const ROUTER_TO_CLIENT: &'static str = "client0";
    /// The router's interface towards the server.
    pub const ROUTER_TO_SERVER: &'static str = "server0";

    /// Two namespaces, client and server, joined by one veth pair.
    ///
    /// # Errors
    ///
    /// Not root, or `ip` is missing or fails.
    pub fn joined() -> Result<Self, PeerError> {
        let made = Self::make(2)?;
        let (client, server) = (made.name(0), made.name(1));
        made.link((client, Self::INTERFACE), (server, Self::INTERFACE))?;
        ip(&format!("-n {client} addr add {}/16 dev {}", Self::CLIENT, Self::INTERFACE))?;
        ip(&format!("-n {server} addr add {}/16 dev {}", Self::SERVER, Self::INTERFACE))?;
        Ok(made)
    }

    /// Three namespaces: client, server, and a router that holds the other ends of both their veth pairs. In it, a
    /// packet is seen twice: on the client's side and on the server's.
    ///
    /// # Errors
    ///
    /// Not root, or `ip` is missing or fails.
    pub fn routed() -> Result<Self, PeerError> {
        let made = Self::make(3)?;
        let (client, server, router) = (made.name(0), made.name(1), made.name(2));
        made.link((client, Self::INTERFACE), (router, Self::ROUTER_TO_CLIENT))?;
        made.link((server, Self::INTERFACE), (router, Self::ROUTER_TO_SERVER))?;
        ip(&format!("-n {client} addr add {}/24 dev {}", Self::CLIENT, Self::INTERFACE))?;
        ip(&format!("-n {server} addr add {}/24 dev {}", Self::SERVER, Self::INTERFACE))?;
        ip(&format!("-n {router} addr add 10.77.1.254/24 dev {}", Self::ROUTER_TO_CLIENT))?;
        ip(&format!("-n {router} addr add 10.77.2.254/24 dev {}", Self::ROUTER_TO_SERVER))?;
        ip(&format!("-n {client} route add default via 10.77.1.254"))?;
        ip(&format!("-n {server} route add default via 10.77.2.254"))?;
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
        run(Place::Namespace(router.to_owned()).command("sh").args(["-c", forward]))?;
        Ok(made)
    }

    /// Lets each end send to an address of the other's side that no kernel has: the server's side gets `absent`, the
    /// client's `spare`. What is sent there is seen on the wire, and answered by nobody or by a program alone.
    ///
    /// # Errors
    ///
    /// `ip` fails.
    pub fn add_neighbours(&self, [absent, spare]: [&str; 2]) -> Result<(), PeerError> {
        let file = format!("/sys/class/net/{}/address", Self::INTERFACE);
        let own = run(self.client().command("cat").arg(file))?;
        let add = |name: &str, address: &str, hardware: &str| {
            ip(&format!("-n {name} neigh replace {address} lladdr {hardware} dev {}", Self::INTERFACE))
        };
        add(self.name(0), absent, "02:00:00:00:00:99")?;
        add(self.name(1), spare, own.trim())
    }

    /// Where clients run.
    pub fn client(&self) -> Place {
        Place::Namespace(self.name(0).to_owned())
    }

    /// Where servers run.
    pub fn server(&self) -> Place {
        Place::Namespace(self.name(1).to_owned())
    }

    /// Where packets pass between the two, if they are `routed`.
    pub fn router(&self) -> Option<Place> {
        self.names.get(2).cloned().map(Place::Namespace)
    }

    fn make(count: usize) -> Result<Self, PeerError> {
        if !is_root() {
            return Err(PeerError::NeedsRoot { what: "making network namespaces" });
        }
        find("ip", "iproute2")?;
        let mut made = Self { names: Vec::with_capacity(count) };
        let set = SETS_MADE.fetch_add(1, Ordering::Relaxed);
        for role in ["client", "server", "router"].iter().take(count) {
            let name = format!("df{}-{set}-{role}", std::process::id());
            ip(&format!("netns add {name}"))?;
            ip(&format!("-n {name} link set lo up"))?;
            made.names.push(name);
        }
        Ok(made)
    }

    fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// Joins two namespaces, each end given as namespace and interface.
    fn link(&self, one: (&str, &str), other: (&str, &str)) -> Result<(), PeerError> {
        debug_assert!(!self.names.is_empty(), "namespaces are made before they are joined");
        let ((one, name), (other, other_name)) = (one, other);
        ip(&format!("link add {name} netns {one} type veth peer name {other_name} netns {other}"))?;
        ip(&format!("-n {one} link set {name} up"))?;
        ip(&format!("-n {other} link set {other_name} up"))
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in &self.names {
            // Nothing is left to do for a namespace that cannot be removed.
            let _ = ip(&format!("netns del {name}"));
        }
    }
}

fn ip(arguments: &str) -> Result<(), PeerError> {
    run(Command::new("ip").args(arguments.split(' '))).map(|_| ())
}

/// Sets made by this program so far, for names that no other set has.
static SETS_MADE: AtomicU32 = AtomicU32::new(0);
