//! What the search for TLS may cost.

use std::time::Duration;

/// How much is hooked, and how fast.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsConfig {
    /// The most files that are hooked at a time. 256; each has at most 13 hooks in OpenSSL, about 20 in Go.
    pub max_binaries: usize,
    /// The most files of which is remembered that they have no TLS. 8192, about 200 bytes each.
    pub max_remembered_files: usize,
    /// The most files that are hooked or let go in one second. 20.
    pub max_changes_per_second: u32,
    /// The most processes that are looked at in one poll. 64.
    pub max_processes_per_poll: usize,
    /// How long one poll may look at processes, the last of them apart: whoever polls reads the rings besides. 50 ms.
    pub max_poll_duration: Duration,
    /// The most processes that wait to be looked at. 65536.
    pub max_waiting_processes: usize,
    /// How often all processes are looked at anew. 30 s.
    pub sweep_interval: Duration,
    /// How long a file is unused before it is let go; at least two sweeps. 90 s.
    pub idle_timeout: Duration,
    /// Files whose path contains one of these are left alone. Those where security products live, which take a breakpoint in
    /// themselves for an attack. Other programs that check their own code are found out when they die of it.
    pub excluded_paths: Vec<String>,
    /// How much of a file is looked at.
    pub inspect: InspectLimits,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            max_binaries: 256,
            max_remembered_files: 8192,
            max_changes_per_second: 20,
            max_processes_per_poll: 64,
            max_poll_duration: Duration::from_millis(50),
            max_waiting_processes: 65536,
            sweep_interval: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(90),
            excluded_paths: SELF_GUARDED.map(str::to_owned).to_vec(),
            inspect: InspectLimits::default(),
        }
    }
}

/// Where products live that guard themselves: Carbon Black, CrowdStrike, Trend Micro, ESET, Kaspersky, Microsoft Defender,
/// SentinelOne, Sophos and Cortex.
const SELF_GUARDED: [&str; 9] = [
    "/opt/carbonblack/",
    "/opt/CrowdStrike/",
    "/opt/ds_agent/",
    "/opt/eset/",
    "/opt/kaspersky/",
    "/opt/microsoft/mdatp/",
    "/opt/sentinelone/",
    "/opt/sophos-spl/",
    "/opt/traps/",
];

/// How much of a file is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectLimits {
    /// The largest table that is read into memory: symbols, their names, Go's function table. 128 MiB.
    pub max_table_bytes: u64,
    /// The largest function that is searched for return instructions. 64 KiB.
    pub max_function_bytes: u64,
    /// The most return instructions of one function. 64.
    pub max_returns: usize,
}

impl Default for InspectLimits {
    fn default() -> Self {
        Self { max_table_bytes: 128 << 20, max_function_bytes: 64 << 10, max_returns: 64 }
    }
}
