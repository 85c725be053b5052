//! Where between client and server something was seen.

/// A place between client and server, in the notation that DeepFlow made common: `c` is the client's interface, `s` the
/// server's, `nd` the machine that holds it, `p` a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObservationPoint {
    /// `c-p`: the client's process.
    ClientProcess,
    /// `c`: the client's own interface.
    Client,
    /// `c-nd`: an interface of the machine on which the client runs (in a container or virtual machine).
    ClientNode,
    /// `s-nd`: an interface of the machine on which the server runs (in a container or virtual machine).
    ServerNode,
    /// `s`: the server's own interface.
    Server,
    /// `s-p`: the server's process.
    ServerProcess,
    /// `local`: an interface that holds both ends.
    Local,
    /// `rest`: neither end is known to be here: a mirror port, a router, a capture file.
    Rest,
    /// `app`: inside an application.
    Application,
}

impl ObservationPoint {
    /// The point where a packet of a connection with these local ends is seen.
    pub const fn from_local_ends(ends: LocalEnds) -> Self {
        match ends {
            LocalEnds::Both => Self::Local,
            LocalEnds::Client => Self::Client,
            LocalEnds::Server => Self::Server,
            LocalEnds::Neither => Self::Rest,
        }
    }

    /// The record's `observation_point`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientProcess => "c-p",
            Self::Client => "c",
            Self::ClientNode => "c-nd",
            Self::ServerNode => "s-nd",
            Self::Server => "s",
            Self::ServerProcess => "s-p",
            Self::Local => "local",
            Self::Rest => "rest",
            Self::Application => "app",
        }
    }

    /// The place in the order from client to server, smaller nearer to the client. Points that do not tell a side come
    /// in the middle, where they fit between any client's and any server's point.
    pub const fn rank(self) -> u8 {
        match self {
            Self::ClientProcess => 1,
            Self::Client => 2,
            Self::ClientNode => 3,
            Self::Local | Self::Rest | Self::Application => 6,
            Self::ServerNode => 10,
            Self::Server => 11,
            Self::ServerProcess => 12,
        }
    }

    /// Whether it is on the client's side.
    pub const fn is_client_side(self) -> bool {
        matches!(self, Self::ClientProcess | Self::Client | Self::ClientNode)
    }

    /// Whether it is on the server's side.
    pub const fn is_server_side(self) -> bool {
        matches!(self, Self::ServerNode | Self::Server | Self::ServerProcess)
    }

    /// Whether it is inside one of the processes that talk.
    pub const fn is_process(self) -> bool {
        matches!(self, Self::ClientProcess | Self::ServerProcess | Self::Application)
    }

    /// The same point when client and server turn out to be exchanged.
    pub const fn reversed(self) -> Self {
        match self {
            Self::ClientProcess => Self::ServerProcess,
            Self::Client => Self::Server,
            Self::ClientNode => Self::ServerNode,
            Self::ServerNode => Self::ClientNode,
            Self::Server => Self::Client,
            Self::ServerProcess => Self::ClientProcess,
            Self::Local | Self::Rest | Self::Application => self,
        }
    }
}

/// Which ends of a connection belong to the place where it was seen: their addresses are those of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalEnds {
    /// Both: loopback.
    Both,
    /// The client alone.
    Client,
    /// The server alone.
    Server,
    /// None.
    Neither,
}
