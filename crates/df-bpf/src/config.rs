//! What the probes can be told.

use std::path::PathBuf;
use std::time::Duration;

use crate::Hooks;
#[cfg(all(feature = "profile", any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
use crate::ProfileConfig;
use crate::tls::TlsConfig;

/// What is observed, how much of it, and what it may cost.
///
/// ```
/// use df_bpf::{ProbeConfig, ProcessFilter};
///
/// let config = ProbeConfig::default().with_payload_bytes(4096).with_processes(ProcessFilter::Only(vec![1]));
/// assert_eq!(config.ring_bytes, 8 << 20);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeConfig {
    /// Most bytes of one call that are copied, 0 to 16384. Default 1024: the head of each message.
    pub payload_bytes: u32,
    /// The same for sockets with some ports, be it the local or the remote one: of two that are named the smaller number
    /// counts. At most 1024 ports. Default none.
    pub port_payload_bytes: Vec<(u16, u32)>,
    /// Whether Unix sockets are observed (`SOCK_STREAM`). They have no ports: no filter of ports concerns them. Default no.
    pub unix_sockets: bool,
    /// Bytes of the ring of each processor: a power of two from 4096. Default 8 MiB: some twenty
    /// thousand short messages, for the time in which the reader has no processor.
    pub ring_bytes: u32,
    /// How long records gather before the rings are read. Default 10 ms; a ring that is a quarter full asks to be read earlier.
    pub flush_interval: Duration,
    /// Which processes are observed. Default all. The own process never is.
    pub processes: ProcessFilter,
    /// Sockets with which ports are observed, be it the local or the remote one. Default all.
    pub ports: PortFilter,
    /// Most threads that can be in a call on a socket at once. Default 32768.
    pub max_threads: u32,
    /// Most sockets of which something is known; those unused for longest are forgotten. Default 65536.
    pub max_sockets: u32,
    /// Events per second and processor above which only one of sixteen is told. Payload is left out from half as many
    /// on. Default none. Counted in windows of 10 ms.
    pub max_events_per_second: Option<u32>,
    /// What system calls are hooked by. Default: the best that works. The events are the same.
    pub hooks: Hooks,
    /// Whether and how TLS libraries are hooked for their plain text. Default: they are. None: no process is looked at.
    pub tls: Option<TlsConfig>,
    /// Which programs are loaded. Default, None: the whole set, or the reduced one where the kernel has no ring buffers.
    pub program_set: Option<ProgramSet>,
    /// A file with the BTF of exactly the running kernel, for one that does not tell it itself (before Linux 5.4, or built
    /// without `CONFIG_DEBUG_INFO_BTF`): `pahole --btf_encode_detached=FILE vmlinux` makes it of the kernel's debug package, and
    /// BTFHub has those of many distributions. With the BTF of another kernel wrong memory is read. Default: none.
    pub btf_path: Option<PathBuf>,
    /// What loads the programs. Default: the first of [`LoaderKind::ALL`]. What is told does not depend on it.
    #[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
    pub loader: LoaderKind,
    /// Whether and how processors are sampled, for [`Probes::take_profile`](crate::Probes::take_profile). Default: they are not.
    #[cfg(all(feature = "profile", any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
    pub profile: Option<ProfileConfig>,
}

/// The programs that are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProgramSet {
    /// All of them. They need ring buffers, which came with Linux 5.8.
    #[default]
    Whole,
    /// Those that a kernel from 4.14 on can take: system calls, connections, processes that come and go, TCP sequence numbers,
    /// causes of calls by threads. Records go through perf buffers, which wake their reader for each. No TLS, no goroutines, no
    /// profiles; of one call four buffers of up to 8,192 bytes together, of one `recvmmsg` or `sendmmsg` two messages. Before 4.16 sockets
    /// that end without a call of `close` or `shutdown` are not told to end.
    Reduced,
}

/// A library that loads the programs.
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoaderKind {
    /// `aya`, in Rust alone.
    #[cfg(feature = "aya")]
    Aya,
    /// `libbpf`, in C, which is built with this crate.
    #[cfg(feature = "libbpf")]
    Libbpf,
}

/// Which processes are observed. Numbers are those of the PID namespace of the host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProcessFilter {
    /// Every process.
    #[default]
    All,
    /// Only these, at most 4096.
    Only(Vec<u32>),
    /// All but these, at most 4096.
    Except(Vec<u32>),
}

/// Which ports are observed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PortFilter {
    /// Every port.
    #[default]
    All,
    /// Only sockets with one of these ports, at most 4096.
    Only(Vec<u16>),
    /// Sockets with none of these ports, at most 4096.
    Except(Vec<u16>),
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self {
            payload_bytes: 1024,
            port_payload_bytes: Vec::new(),
            unix_sockets: false,
            ring_bytes: 8 << 20,
            flush_interval: Duration::from_millis(10),
            processes: ProcessFilter::All,
            ports: PortFilter::All,
            max_threads: 32_768,
            max_sockets: 65_536,
            max_events_per_second: None,
            hooks: Hooks::Automatic,
            tls: Some(TlsConfig::default()),
            program_set: None,
            btf_path: None,
            #[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
            loader: LoaderKind::ALL[0],
            #[cfg(all(feature = "profile", any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
            profile: None,
        }
    }
}

#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
impl LoaderKind {
    /// Those that are built in, as features say.
    pub const ALL: &[Self] = &[
        #[cfg(feature = "aya")]
        Self::Aya,
        #[cfg(feature = "libbpf")]
        Self::Libbpf,
    ];
}

impl ProbeConfig {
    /// Sets how much of each call is copied.
    pub const fn with_payload_bytes(mut self, payload_bytes: u32) -> Self {
        self.payload_bytes = payload_bytes;
        self
    }

    /// Sets how much of each call is copied for sockets with some ports, such as 4096 for 3306 and nothing for 443.
    pub fn with_port_payload_bytes(mut self, ports: impl IntoIterator<Item = (u16, u32)>) -> Self {
        self.port_payload_bytes = ports.into_iter().collect();
        self
    }

    /// Says whether Unix sockets are observed. The reduced programs cannot: with [`ProgramSet::Reduced`] it is an error.
    pub const fn with_unix_sockets(mut self, unix_sockets: bool) -> Self {
        self.unix_sockets = unix_sockets;
        self
    }

    /// Sets the size of each ring.
    pub const fn with_ring_bytes(mut self, ring_bytes: u32) -> Self {
        self.ring_bytes = ring_bytes;
        self
    }

    /// Observes these processes.
    pub fn with_processes(mut self, processes: ProcessFilter) -> Self {
        self.processes = processes;
        self
    }

    /// Observes sockets with these ports.
    pub fn with_ports(mut self, ports: PortFilter) -> Self {
        self.ports = ports;
        self
    }

    /// Says what system calls are hooked by: a [`HookKind`](crate::HookKind) or [`Hooks::Automatic`].
    pub fn with_hooks(mut self, hooks: impl Into<Hooks>) -> Self {
        self.hooks = hooks.into();
        self
    }

    /// Chooses which programs are loaded.
    pub const fn with_program_set(mut self, program_set: ProgramSet) -> Self {
        self.program_set = Some(program_set);
        self
    }

    /// Reads the BTF of the running kernel from a file.
    pub fn with_btf_path(mut self, btf_path: impl Into<PathBuf>) -> Self {
        self.btf_path = Some(btf_path.into());
        self
    }

    /// Says whether and how TLS libraries are hooked.
    pub fn with_tls(mut self, tls: Option<TlsConfig>) -> Self {
        self.tls = tls;
        self
    }

    /// Chooses what loads the programs.
    #[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
    pub const fn with_loader(mut self, loader: LoaderKind) -> Self {
        self.loader = loader;
        self
    }

    /// Says whether and how processors are sampled.
    #[cfg(all(feature = "profile", any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
    pub const fn with_profile(mut self, profile: Option<ProfileConfig>) -> Self {
        self.profile = profile;
        self
    }

    /// Bounds what a flood of events may cost.
    pub const fn with_max_events_per_second(mut self, max_events_per_second: u32) -> Self {
        self.max_events_per_second = Some(max_events_per_second);
        self
    }
}
