//! Where an end of a connection is: in a network of IP, or within this host.

use std::fmt;
use std::net::IpAddr;

use crate::UnixPath;

/// Where an end of a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(untagged))]
pub enum Address {
    /// An address of IP.
    Ip(IpAddr),
    /// A Unix socket of this host.
    Unix(UnixAddress),
}

impl Address {
    /// The IP address, if it is one.
    pub const fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(ip),
            Self::Unix(_) => None,
        }
    }

    /// The Unix socket, if it is one.
    pub const fn unix(self) -> Option<UnixAddress> {
        match self {
            Self::Ip(_) => None,
            Self::Unix(unix) => Some(unix),
        }
    }

    /// `ipv4` or `ipv6`, as `network.type` has it; None for a Unix socket.
    pub const fn network_type(self) -> Option<&'static str> {
        match self {
            Self::Ip(IpAddr::V4(_)) => Some("ipv4"),
            Self::Ip(IpAddr::V6(_)) => Some("ipv6"),
            Self::Unix(_) => None,
        }
    }

    /// What names this address to others: an IP address, or the path of a Unix socket. None: it is a socket without a path.
    pub fn name(self) -> Option<String> {
        match self {
            Self::Ip(ip) => Some(ip.to_string()),
            Self::Unix(unix) => unix.path().map(|path| path.as_str().to_owned()),
        }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}

/// One end of a Unix socket's connection: whoever answers has a path, whoever asks has only a socket, named by its inode number.
///
/// Both processes see a connection with the same ends: the path of the one and the inode number of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UnixAddress {
    path: Option<UnixPath>,
    #[cfg_attr(feature = "serde", serde(with = "inode_number"))]
    /// Bytes of the number, so that an end is no larger than one of IP; 0: not known.
    inode: [u8; 4],
}

impl UnixAddress {
    /// The end that a path leads to.
    pub const fn at_path(path: UnixPath) -> Self {
        Self { path: Some(path), inode: [0; 4] }
    }

    /// The end that is known by its socket's inode number; 0: not even by that.
    pub const fn of_inode(inode: u32) -> Self {
        Self { path: None, inode: inode.to_ne_bytes() }
    }

    /// The path, if it is known.
    pub const fn path(self) -> Option<UnixPath> {
        self.path
    }

    /// The inode number of the socket, if it is known and no path is.
    pub const fn inode(self) -> Option<u32> {
        match u32::from_ne_bytes(self.inode) {
            0 => None,
            inode => Some(inode),
        }
    }
}

impl fmt::Display for UnixAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.path, self.inode()) {
            (Some(path), _) => formatter.write_str(path.as_str()),
            (None, Some(inode)) => write!(formatter, "socket:[{inode}]"),
            (None, None) => formatter.write_str("socket:[]"),
        }
    }
}

/// The inode number as one number.
#[cfg(feature = "serde")]
mod inode_number {
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
    pub(super) fn serialize<S: Serializer>(inode: &[u8; 4], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(u32::from_ne_bytes(*inode))
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<[u8; 4], D::Error> {
        u32::deserialize(deserializer).map(u32::to_ne_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Endpoint;

    #[test]
    fn a_unix_socket_is_shown_as_others_know_it() {
        let path = UnixPath::new(b"/run/redis.sock").expect("there is room");
        assert_eq!(UnixAddress::at_path(path).to_string(), "/run/redis.sock");
        assert_eq!(UnixAddress::of_inode(4711).to_string(), "socket:[4711]");
        assert_eq!(Address::Unix(UnixAddress::of_inode(4711)).name(), None);
        assert_eq!(UnixAddress::of_inode(0).inode(), None);
    }

    #[test]
    fn an_end_stays_as_small_as_one_of_ip() {
        assert_eq!(size_of::<Endpoint>(), 20);
    }
}
