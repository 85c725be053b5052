//! The effective capabilities of this process.

/// The effective capabilities, one bit each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capabilities(u64);

/// A capability that observing needs (linux/capability.h).
#[derive(Debug, Clone, Copy)]
pub(super) enum Capability {
    NetRaw = 13,
    SysAdmin = 21,
    Perfmon = 38,
    Bpf = 39,
}

impl Capabilities {
    /// Those of this process, as `/proc/self/status` tells them; none where it cannot be read.
    pub(super) fn of_this_process() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        Self(mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0))
    }

    /// Whether the process holds a capability.
    pub(super) const fn has(self, capability: Capability) -> bool {
        self.0 >> (capability as u32) & 1 == 1
    }

    /// Whether it may load and attach eBPF programs that trace.
    pub(super) const fn may_trace(self) -> bool {
        self.has(Capability::SysAdmin) || (self.has(Capability::Bpf) && self.has(Capability::Perfmon))
    }
}
