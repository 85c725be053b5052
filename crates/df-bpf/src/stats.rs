//! What was counted, in the kernel and here.

/// What the programs counted on one processor.
///
/// Every call that moves bytes of an observed socket is one of `records`, `dropped_records`, `shed_records`, `left_out_records`,
/// `suppressed_ciphertext`, `lost_sockets` and `full_threads`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ProcessorStats {
    /// Records that were put into the ring.
    pub records: u64,
    /// Records for which the ring had no room. Of a perf buffer they are known once it has room again.
    pub dropped_records: u64,
    /// Bytes that the dropped records told of. Perf buffers do not tell.
    pub dropped_bytes: u64,
    /// Records without their payload, since there were too many.
    pub shed_payloads: u64,
    /// Records left out, since there were too many.
    pub shed_records: u64,
    /// Calls left out, since too many threads were in calls.
    pub full_threads: u64,
    /// Sockets left out, since there was no room for them.
    pub full_sockets: u64,
    /// Buffers that could not be read; the records have what came before.
    pub unreadable_payloads: u64,
    /// Calls that moved the ciphertext of a connection whose plain text is told.
    pub suppressed_ciphertext: u64,
    /// Calls of sendfile on observed sockets; their bytes are counted and not copied.
    pub sendfile_calls: u64,
    /// Calls of splice on observed sockets; their bytes are counted and not copied.
    pub splice_calls: u64,
    /// Calls of io_uring_enter: what they do with sockets is not seen.
    pub io_uring_calls: u64,
    /// Calls without a causal id, since their thread had several requests open.
    pub ambiguous_causes: u64,
    /// Records that lack the end of a long vector of buffers.
    pub vectors_cut: u64,
    /// Calls left out, since their socket was forgotten while they ran.
    pub lost_sockets: u64,
    /// Messages of one recvmmsg or sendmmsg beyond the 8 that are told of.
    pub messages_cut: u64,
    /// Plain text of TLS left out, since its socket was not found.
    pub unbound_plaintext: u64,
    /// Calls of TLS libraries left out, since they used more than one socket.
    pub ambiguous_tls_calls: u64,
    /// Samples of what this processor was at, left out since there were too many different ones.
    pub lost_samples: u64,
    /// Stacks for which there was no room; their samples are told without.
    pub lost_stacks: u64,
    /// Records of connections that were left out, as [`Probes::leave_out`](crate::Probes::leave_out) asked.
    pub left_out_records: u64,
}

/// What was counted on all processors and by the reader of the rings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ProbeStats {
    /// Each processor's, in order of their numbers.
    pub processors: Vec<ProcessorStats>,
    /// Runs of programs that the kernel left out, each the entry or the return of a call that is then not told: it had taken
    /// another run of a program from the same processor before its end, as kernels do that can preempt themselves. Known
    /// since Linux 5.12.
    pub missed_runs: u64,
    /// Events that were given out.
    pub events: u64,
    /// Records that could not be read.
    pub malformed_records: u64,
    /// Connections of Unix sockets whose path is not told, since there were too many different ones
    /// ([`UnixPath`](df_core::UnixPath)).
    pub lost_paths: u64,
}

impl ProcessorStats {
    /// From what the programs keep: numbers in the order of `enum counter`.
    #[cfg(all(any(feature = "aya", feature = "libbpf"), target_os = "linux"))]
    pub(crate) fn from_counters(counters: &[u64]) -> Self {
        let at = |index: usize| counters.get(index).copied().unwrap_or(0);
        Self {
            records: at(0),
            dropped_records: at(1),
            dropped_bytes: at(2),
            shed_payloads: at(3),
            shed_records: at(4),
            full_threads: at(5),
            full_sockets: at(6),
            unreadable_payloads: at(7),
            suppressed_ciphertext: at(8),
            sendfile_calls: at(9),
            splice_calls: at(10),
            io_uring_calls: at(11),
            ambiguous_causes: at(12),
            vectors_cut: at(13),
            lost_sockets: at(14),
            messages_cut: at(15),
            unbound_plaintext: at(16),
            ambiguous_tls_calls: at(17),
            lost_samples: at(18),
            lost_stacks: at(19),
            left_out_records: at(20),
        }
    }
}

impl ProbeStats {
    /// Records that were lost for want of room, on all processors.
    pub fn dropped_records(&self) -> u64 {
        self.processors.iter().map(|processor| processor.dropped_records).sum()
    }
}
