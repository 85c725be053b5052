//! What processes send and receive, seen by eBPF.
//!
//! The types to know: [`Probes`] loads the programs, attaches them and gives out [`Event`]s, most of which are
//! [`SocketEvent`](df_core::SocketEvent)s; [`ProbeConfig`] says what is observed and what it may cost; [`ProbeReport`] tells what is hooked
//! and what is not and why, [`ProbeStats`] what was counted; [`Kernel`] finds out beforehand what is possible here.
//!
//! ```no_run
//! use std::time::Duration;
//! use df_bpf::{Event, ProbeConfig, Probes};
//!
//! let mut probes = Probes::load(&ProbeConfig::default())?;
//! probes.drop_capabilities()?;
//! loop {
//!     probes.poll(Duration::from_secs(1), |event| {
//!         if let Event::Socket(event) = event {
//!             println!("{} [{}] {:?}", event.task.command.as_text(), event.task.pid, event.activity);
//!         }
//!     })?;
//! }
//! # Ok::<(), df_bpf::LoadError>(())
//! ```
//!
//! # What is hooked
//!
//! The system calls `read`, `write`, `readv`, `writev`, `recvfrom`, `sendto`, `recvmsg`, `sendmsg`, `recvmmsg`,
//! `sendmmsg`, `sendfile64`, `splice`, `connect`, `accept`, `accept4`, `shutdown` and `close`: where their sockets have tracepoints (since Linux
//! 6.3), there, else at entry and return; raw tracepoints of
//! processes that start, run another program and end, and of TCP sockets that end without such a call. In programs and
//! libraries that running processes use: `SSL_read`, `SSL_write`, their `_ex` forms, `SSL_do_handshake`, `SSL_shutdown`, `SSL_free`; in Go
//! programs `Read`, `Write` and `Close` of `crypto/tls`.
//!
//! System calls are hooked by the best [`HookKind`] that can be attached here, or the one that [`ProbeConfig::with_hooks`] asks for; the
//! events are the same, but for what [`HookKind::Socket`] says. [`ProbeReport`] tells for each call which it is, and why a better one is not used.
//!
//! # Unix sockets
//!
//! By option ([`ProbeConfig::with_unix_sockets`]) stream sockets of `AF_UNIX` are observed too. The server's end is at its path, the
//! client's is known by its socket's inode number; the place of bytes in the stream is counted
//! ([`StreamPosition::Counted`](df_core::StreamPosition::Counted)). Hooked by calls alone, not by [`HookKind::Socket`], and not by the reduced
//! programs. Not told: datagrams and sequenced packets, and the end of a socket that its process does not close by a call.
//!
//! # Older kernels
//!
//! Where the kernel has no ring buffers (before Linux 5.8) the reduced programs are loaded: [`ProgramSet::Reduced`] says what they tell,
//! [`ProbeReport::program_set`] that they are. A kernel that does not tell its types takes a file that does: [`ProbeConfig::btf_path`].
//!
//! # What is read
//!
//! Arguments and results of these calls; up to [`payload_bytes`](ProbeConfig::payload_bytes) of what they moved; the ends, state and place in the
//! stream of the socket; numbers and name of the thread. At what else a process has nobody looks: a call on another file
//! costs nothing where sockets are hooked, and a look at its descriptor where calls are.
//!
//! # Profiles
//!
//! With the feature `profile` and [`ProbeConfig::profile`](ProbeConfig), a clock looks 99 times a second at what every processor is at.
//! Stacks are counted in the kernel by thread and by the request that it has open, with the causal id that socket events have:
//! from the first byte of a request that a thread (in Go a goroutine) receives to the first of its answer, while it has no other;
//! nginx, which may have many, works for the one that it received something for last. `Probes::take_profile` gives a `Profile`, `Profile::of_request` what was done for
//! one request, a `Symbolizer` the names of functions; `Profile::folded` and `Profile::pprof` are what tools read.
//!
//! Stacks are followed by frame pointers: where a program has none, the innermost function is right and its callers are not, or are
//! missing. Functions of interpreters are those of the interpreter. Names come from symbol tables; a function that is in none has
//! no name. What the probes' own programs take is not seen, nor are processors that were off when they were loaded.
//! Tried on Linux 5.10 and 6.1 (in QEMU) and 6.18.
//!
//! # Safety
//!
//! The programs cannot write to what they observe: they call none of the helpers that can, which a test checks in the objects
//! themselves. They hang on descriptors of this process alone and are gone with it, however it ends. A call that was entered
//! before they came is not told; a socket that waits for them does not exist.
//!
//! # Privileges
//!
//! `CAP_BPF` and `CAP_PERFMON` to load and attach: that is all that system calls take. `CAP_NET_ADMIN` lets the kernel say from whom
//! datagrams are; without it the calls that receive them are hooked by themselves, for whose tracepoints
//! `CAP_DAC_READ_SEARCH` reads tracefs, which is root's; without that they are hooked otherwise. Hooking functions of libraries and programs takes `CAP_SYS_ADMIN` (measured on Linux 6.18), finding those of other users `CAP_SYS_PTRACE`.
//! Names of functions of other users' processes take `CAP_SYS_PTRACE` too, those of containers also `CAP_CHECKPOINT_RESTORE` (or
//! `CAP_SYS_ADMIN`), those of the kernel `CAP_SYSLOG`; without them functions have no names.
//! [`Probes::drop_capabilities`] gives up what is not needed any more. In a PID namespace the own process is left out as well; the
//! numbers that are told are the host's, so TLS of other namespaces is found only from the host's.
//!
//! # Limits
//!
//! | bound | default | what exceeds it |
//! |---|---|---|
//! | [`payload_bytes`](ProbeConfig::payload_bytes) | 1,024 per call, 16,384 at most | is left out; the original length is told |
//! | [`port_payload_bytes`](ProbeConfig::port_payload_bytes) | none; 1,024 ports at most | |
//! | [`ring_bytes`](ProbeConfig::ring_bytes) | 8 MiB per processor | is dropped: [`ProcessorStats::dropped_records`] |
//! | [`max_threads`](ProbeConfig::max_threads) | 32,768 in a call at once | is left out: [`ProcessorStats::full_threads`] |
//! | [`max_sockets`](ProbeConfig::max_sockets) | 65,536 | the one unused for longest is forgotten, and looked at anew |
//! | [`max_events_per_second`](ProbeConfig::max_events_per_second) | none | payload first, then all but one of 16: [`ProcessorStats::shed_records`] |
//! | connections, by [`Probes::leave_out`] | none | is left out, whole exchanges at both ends: [`ProcessorStats::left_out_records`] |
//! | [`ProfileConfig`](ProbeConfig)`::max_samples` | 16,384 in one profile | is left out: [`ProcessorStats::lost_samples`] |
//! | [`ProfileConfig`](ProbeConfig)`::max_stacks` | 16,384 in one profile | is missing in its samples: [`ProcessorStats::lost_stacks`] |
//! | frames of one stack | 127 | the outermost are left out |
//! | buffers of one call | 16; 4 by the reduced programs | are left out: [`ProcessorStats::vectors_cut`] |
//! | messages of one `recvmmsg` or `sendmmsg` | 8; 2 by the reduced programs | are left out: [`ProcessorStats::messages_cut`] |
//!
//! Not seen: what `io_uring` does with sockets ([`ProcessorStats::io_uring_calls`] tells that it is used), `preadv2` and `pwritev2`, 32-bit programs
//! on 64-bit kernels, and the end of UDP sockets that nobody closes by a call. Bytes of `sendfile` and `splice` are counted, not copied.
//! Of a process that hands what it receives to another thread for TLS, the plain text is not told: nor is the ciphertext.
//!
//! # Features
//!
//! `aya` (default): loads the programs, on Linux, in Rust alone. `libbpf`: loads them by the kernel's own library, which is built with
//! this crate and takes gcc, make, pkg-config and the headers of libelf and zlib; with both, [`ProbeConfig::with_loader`] chooses. What is
//! told is the same; `Kernel` and the reduced programs are there with `aya` alone. `inspect`: finds TLS functions in ELF files, on any system. `profile`: samples
//! processors, on Linux, by either loader, with `blazesym` for names. Without any, what comes through a ring can be decoded: [`decode_event`].
#![forbid(unsafe_code)]

mod abi;
mod clock;
mod config;
mod event;
#[doc(hidden)]
pub mod fuzzing;
mod hooks;
mod stats;

pub use clock::ClockOffset;
pub use config::{PortFilter, ProbeConfig, ProcessFilter, ProgramSet};
pub use event::{Event, ProcessChange, ProcessEvent, RecordError, decode_event};
pub use hooks::{HookKind, Hooks};
pub use stats::{ProbeStats, ProcessorStats};

#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod attachment;
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod cgroup;
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod error;
#[cfg(all(feature = "aya", target_os = "linux"))]
mod kernel;
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod loader;
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod missed;
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod paths;
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod payload;
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod privileges;
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod probes;
#[cfg(all(feature = "profile", any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod profile;
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod report;
#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
mod rings;

#[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
pub use {
    config::LoaderKind,
    error::{AttachError, LoadError},
    privileges::Capability,
    probes::Probes,
    report::{CallReport, HookReport, ProbeReport, Refusal},
};

#[cfg(all(feature = "aya", target_os = "linux"))]
pub use kernel::{Kernel, KernelFeature, KernelSetting};

#[cfg(all(feature = "profile", any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
pub use profile::{Profile, ProfileConfig, Sample, Symbolizer, Symbols};

pub mod tls;
