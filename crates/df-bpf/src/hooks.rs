//! What system calls can be hooked by.

use std::fmt;

/// A way in which the kernel tells of system calls. Whichever is used, the events are the same, but for what [`Socket`](Self::Socket) says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HookKind {
    /// The typed raw tracepoints of sockets, since Linux 6.3: one hook for a call instead of two, and none that other calls or other
    /// files would pay for. When a call was entered is not told: what TCP sends has the time at which it left, all else that of its
    /// end. Connections are told of with their first bytes, or with their end if they have none, at the time when they were made. That a UDP socket
    /// is closed is not told. From whom datagrams are takes two hooks at the root of the control groups, and `CAP_NET_ADMIN`; where
    /// these cannot be had, the calls that receive datagrams get the next kind. Not with
    /// [`unix_sockets`](crate::ProbeConfig::unix_sockets): nothing would tell when these are opened and closed.
    Socket,
    /// The tracepoints of single calls, which take tracefs. Calls that are not hooked pay a little.
    Tracepoint,
    /// `fentry` and `fexit` at the kernel's function for each call. Calls that are not hooked pay nothing. Where the kernel can
    /// take a program from its processor while it runs, calls of others meanwhile are missed.
    FunctionEntry,
    /// The raw tracepoints through which every call of the host goes: the cheapest for calls that are hooked, the dearest
    /// for those that are not. They take neither tracefs nor names of functions. New kernels miss calls as with function entries.
    EveryCall,
    /// `kprobe` and `kretprobe` at the kernel's function for each call. Returns of calls in which more threads wait at
    /// once than the kernel has places for are missed: one for each processor, on newer kernels two, and ten at least.
    Kprobe,
}

/// Which kind of hooks is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hooks {
    /// The first of [`HookKind::ALL`] that this kernel and these privileges allow, found out by trying; for a call that lacks
    /// it, the next one.
    #[default]
    Automatic,
    /// This one and no other.
    Only(HookKind),
}

impl HookKind {
    /// Every kind, in the order in which [`Hooks::Automatic`] tries them.
    pub const ALL: [Self; 5] =
        [Self::Socket, Self::Tracepoint, Self::FunctionEntry, Self::EveryCall, Self::Kprobe];

    /// A short name, as settings have it; it stays the same between releases.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Socket => "sockets",
            Self::FunctionEntry => "function-entries",
            Self::Tracepoint => "tracepoints",
            Self::EveryCall => "every-call",
            Self::Kprobe => "kprobes",
        }
    }

    /// The kind that has a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Hooks {
    /// What is tried, in this order.
    #[cfg_attr(
        not(all(any(feature = "aya", feature = "libbpf"), target_os = "linux")),
        allow(dead_code, reason = "only what loads tries")
    )]
    pub(crate) fn kinds(self) -> impl Iterator<Item = HookKind> {
        HookKind::ALL
            .into_iter()
            .filter(move |kind| matches!(self, Self::Automatic) || self == Self::Only(*kind))
    }
}

impl From<HookKind> for Hooks {
    fn from(kind: HookKind) -> Self {
        Self::Only(kind)
    }
}

impl fmt::Display for HookKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Socket => "tracepoints of sockets",
            Self::FunctionEntry => "function entries (fentry)",
            Self::Tracepoint => "system call tracepoints",
            Self::EveryCall => "typed raw tracepoints of every call",
            Self::Kprobe => "kprobes",
        })
    }
}
