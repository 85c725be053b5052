//! What is observed of processes, and what that may cost.

use std::time::Duration;

use df_bpf::tls::TlsConfig;
use df_bpf::{Hooks, PortFilter, ProbeConfig, ProcessFilter};
use df_flow::SocketConfig;

/// What is observed of processes, and what that may cost.
#[derive(Debug, Clone)]
pub(crate) struct EbpfSettings {
    pub(crate) is_disabled: bool,
    pub(crate) payload_bytes: u32,
    /// By port.
    pub(crate) port_payload_bytes: Vec<(u16, u32)>,
    pub(crate) has_unix_sockets: bool,
    /// Per processor.
    pub(crate) ring_bytes: u32,
    pub(crate) flush_interval: Duration,
    pub(crate) max_sockets: u32,
    pub(crate) max_threads: u32,
    /// Per processor; 0 is no bound.
    pub(crate) max_events_per_second: u32,
    /// Empty is all.
    pub(crate) only_ports: Vec<u16>,
    pub(crate) except_ports: Vec<u16>,
    pub(crate) hooks: Hooks,
    /// Empty is the kernel's own.
    pub(crate) btf_path: String,
    pub(crate) has_tls: bool,
    pub(crate) tls: TlsConfig,
    pub(crate) sockets: SocketConfig,
}

impl Default for EbpfSettings {
    fn default() -> Self {
        let probes = ProbeConfig::default();
        Self {
            is_disabled: false,
            payload_bytes: probes.payload_bytes,
            port_payload_bytes: probes.port_payload_bytes,
            has_unix_sockets: probes.unix_sockets,
            ring_bytes: probes.ring_bytes,
            flush_interval: probes.flush_interval,
            max_sockets: probes.max_sockets,
            max_threads: probes.max_threads,
            max_events_per_second: probes.max_events_per_second.unwrap_or(0),
            only_ports: Vec::new(),
            except_ports: Vec::new(),
            hooks: probes.hooks,
            btf_path: String::new(),
            has_tls: true,
            tls: TlsConfig::default(),
            sockets: SocketConfig::default(),
        }
    }
}

impl EbpfSettings {
    /// What to load into the kernel, to observe one process or all.
    pub(crate) fn probes(&self, pid: Option<u32>) -> ProbeConfig {
        let mut probes = ProbeConfig::default();
        probes.payload_bytes = self.payload_bytes;
        probes.port_payload_bytes.clone_from(&self.port_payload_bytes);
        probes.unix_sockets = self.has_unix_sockets;
        probes.ring_bytes = self.ring_bytes;
        probes.flush_interval = self.flush_interval;
        probes.max_sockets = self.max_sockets;
        probes.max_threads = self.max_threads;
        probes.max_events_per_second = (self.max_events_per_second > 0).then_some(self.max_events_per_second);
        probes.ports = match (self.only_ports.is_empty(), self.except_ports.is_empty()) {
            (false, _) => PortFilter::Only(self.only_ports.clone()),
            (true, false) => PortFilter::Except(self.except_ports.clone()),
            (true, true) => PortFilter::All,
        };
        probes.processes = pid.map_or(ProcessFilter::All, |pid| ProcessFilter::Only(vec![pid]));
        probes.hooks = self.hooks;
        probes.btf_path = (!self.btf_path.is_empty()).then(|| self.btf_path.clone().into());
        probes.tls = self.has_tls.then(|| self.tls.clone());
        probes
    }
}
