//! The table of settings: key, meaning and place of each, and the only place where they are listed.

use std::fmt::Write as _;

use super::Configuration;
use super::document::{self, DocumentError};
use super::value::Value;

/// One setting.
struct Setting {
    /// Its keys from the root down, joined by dots.
    path: &'static str,
    /// What it means, with unit.
    meaning: &'static str,
    /// Where its value is kept.
    place: fn(&mut Configuration) -> &mut dyn Value,
}

macro_rules! settings {
    ($($path:literal => $($field:ident).+, $meaning:literal;)+) => {
        const SETTINGS: &[Setting] = &[$(
            Setting { path: $path, meaning: $meaning, place: |configuration| &mut configuration.$($field).+ },
        )+];
    };
}

settings! {
    "global.limits.max_millicpus" => limits.max_millicpus,
        "Thousandths of a processor that the agent may take for long before it leaves out connections, of packets and of processes; 0 is a twentieth of the host's processors, and one at most.";
    "inputs.cbpf.af_packet.interfaces" => capture.interfaces,
        "Interfaces to capture on; `any` is all of them.";
    "inputs.cbpf.af_packet.extra_bpf_filter" => capture.filter,
        "tcpdump expression that runs in the kernel; empty captures everything.";
    "inputs.cbpf.af_packet.tunning.ring_blocks" => capture.ring_blocks,
        "Blocks of 1 MiB of kernel memory that hold packets, per interface.";
    "inputs.cbpf.af_packet.tunning.packet_fanout_count" => capture.rings,
        "Rings per interface, each read by a thread of its own; the kernel shares packets out by flow.";
    "inputs.cbpf.af_packet.tunning.cpu_affinity" => capture.cpus,
        "Processors on which capture threads run, in turn; empty leaves the choice to the kernel.";
    "inputs.cbpf.tunning.max_capture_packet_size" => capture.max_packet_bytes,
        "Bytes captured of a packet.";
    "inputs.cbpf.preprocess.vxlan_ports" => decoder.vxlan_ports,
        "UDP ports to which VXLAN is sent.";
    "inputs.cbpf.preprocess.fragments.timeout" => decoder.fragments.timeout,
        "How long after its first fragment an IP datagram may become whole.";
    "inputs.cbpf.preprocess.fragments.max_datagrams" => decoder.fragments.max_datagrams,
        "IP datagrams at a time, per capturing thread, of which fragments are missing; the oldest gives way.";
    "inputs.cbpf.preprocess.fragments.max_total_bytes" => decoder.fragments.max_total_bytes,
        "Bytes of fragments held in all, per capturing thread; the oldest gives way.";
    "inputs.ebpf.disabled" => ebpf.is_disabled,
        "Do not observe processes.";
    "inputs.ebpf.socket.uprobe.tls.enabled" => ebpf.has_tls,
        "Read the plain text of OpenSSL and of Go's crypto/tls.";
    "inputs.ebpf.socket.uprobe.tls.excluded_paths" => ebpf.tls.excluded_paths,
        "Programs and libraries whose path contains one of these are left alone: such as guard their own code.";
    "inputs.ebpf.socket.uprobe.tls.max_binaries" => ebpf.tls.max_binaries,
        "Programs and libraries that are hooked at a time.";
    "inputs.ebpf.socket.kprobe.whitelist.ports" => ebpf.only_ports,
        "Only sockets with one of these ports are observed; empty is all.";
    "inputs.ebpf.socket.kprobe.blacklist.ports" => ebpf.except_ports,
        "Sockets with one of these ports are not observed, unless only some are.";
    "inputs.ebpf.socket.kprobe.enable_unix_socket" => ebpf.has_unix_sockets,
        "Observe Unix sockets too: what clients of a database on the same host, PHP behind nginx or Docker's own clients say.";
    "inputs.ebpf.socket.preprocess.max_out_of_order_bytes" => ebpf.sockets.max_out_of_order_bytes,
        "Bytes held per direction of a conversation while earlier ones are missing.";
    "inputs.ebpf.socket.preprocess.max_conversations" => ebpf.sockets.max_conversations,
        "Conversations at a time; when one more begins, the one closest to its timeout ends.";
    "inputs.ebpf.socket.tunning.max_capture_rate" => ebpf.max_events_per_second,
        "Calls per second and processor above which only one of sixteen is told, payload from half as many on; 0 is no bound.";
    "inputs.ebpf.tunning.max_payload_bytes" => ebpf.payload_bytes,
        "Bytes copied of what one call moves, up to 16384.";
    "inputs.ebpf.tunning.port_payload_bytes" => ebpf.port_payload_bytes,
        "The same for sockets with some ports, such as [3306=4096, 443=0]; of two the smaller number counts.";
    "inputs.ebpf.tunning.ring_bytes" => ebpf.ring_bytes,
        "Bytes of the ring of each processor, a power of two.";
    "inputs.ebpf.tunning.flush_interval" => ebpf.flush_interval,
        "How often the rings are looked at when little happens.";
    "inputs.ebpf.tunning.hooks" => ebpf.hooks,
        "What system calls are hooked by: automatic, sockets, tracepoints, function-entries, every-call or kprobes.";
    "inputs.ebpf.tunning.btf_path" => ebpf.btf_path,
        "File with the BTF of exactly the running kernel, for one that does not tell it; empty is the kernel's own.";
    "inputs.ebpf.tunning.max_socket_entries" => ebpf.max_sockets,
        "Sockets of which something is known; those unused for longest are forgotten.";
    "inputs.ebpf.tunning.max_thread_entries" => ebpf.max_threads,
        "Threads that can be in a call on a socket at once.";
    "processors.packet.workers" => parsing.workers,
        "Parsing threads of `run`; 0 is one per core, less one for capture.";
    "processors.packet.max_queued_batches" => parsing.max_queued_batches,
        "Batches of packets that wait for one parsing thread; further packets are dropped and counted.";
    "processors.flow_log.record_interval" => parsing.flow_log_interval,
        "How often a flow that goes on is reported; 0s is only at its end.";
    "processors.flow_log.conntrack.timeouts.opening" => flow.opening_timeout,
        "How long a TCP connection may take to be established.";
    "processors.flow_log.conntrack.timeouts.established" => flow.established_timeout,
        "How long an established TCP connection may be silent.";
    "processors.flow_log.conntrack.timeouts.closing" => flow.closing_timeout,
        "How long a closed TCP connection waits for stragglers.";
    "processors.flow_log.conntrack.timeouts.datagram" => flow.datagram_timeout,
        "How long a UDP or ICMP flow may be silent.";
    "processors.flow_log.limits.max_flows" => flow.max_flows,
        "Flows at a time and per parsing thread; when one more begins, the one closest to its timeout ends.";
    "processors.flow_log.limits.max_out_of_order_bytes" => flow.max_out_of_order_bytes,
        "Bytes held per direction of a TCP connection while earlier ones are missing.";
    "processors.flow_log.limits.max_total_out_of_order_bytes" => flow.max_total_out_of_order_bytes,
        "Bytes held in all, per parsing thread, while earlier ones are missing.";
    "processors.request_log.enabled" => parsing.has_requests,
        "Parse application protocols; without it flows are accounted for, and of packets only headers are captured.";
    "processors.request_log.application_protocol_inference.disabled_protocols" => connection.disabled_protocols,
        "Protocols that are not looked for.";
    "processors.request_log.application_protocol_inference.max_detection_chunks" => connection.max_detection_chunks,
        "Chunks of each direction that are looked at before a connection is given up as unknown.";
    "processors.request_log.application_protocol_inference.inference_result_ttl" => parsing.verdict_expiry,
        "How long a server's protocol, once found, helps to recognise its next connection.";
    "processors.request_log.application_protocol_inference.max_inference_results" => parsing.max_verdicts,
        "Servers whose protocol is remembered, per parsing thread; the one met first is forgotten.";
    "processors.request_log.tag_extraction.tracing_tag.http_real_client" => connection.context.client_address_headers,
        "Headers that carry the first client's address.";
    "processors.request_log.tag_extraction.tracing_tag.x_request_id" => connection.context.request_id_headers,
        "Headers that carry a request id.";
    "processors.request_log.tag_extraction.tracing_tag.apm_trace_id" => connection.context.trace_headers,
        "Headers and SQL comment keys that carry a trace context, best first; a name of no known format is taken verbatim as trace id.";
    "processors.request_log.tag_extraction.http_endpoint.keep_segments" => connection.http_endpoint_segments,
        "Path segments that an HTTP endpoint keeps.";
    "processors.request_log.tag_extraction.gen_ai.max_content_bytes" => connection.max_gen_ai_content_bytes,
        "Bytes of prompts, and of answers, that are recorded of a call of an AI service; 0 records none. They are what people wrote.";
    "processors.request_log.tag_extraction.custom_fields.http_request_headers" => connection.http_request_headers,
        "Request headers, in lower case, that become attributes.";
    "processors.request_log.tag_extraction.custom_fields.http_response_headers" => connection.http_response_headers,
        "Response headers, in lower case, that become attributes.";
    "processors.request_log.tag_extraction.obfuscate.sql_literals" => connection.obfuscation.sql_literals,
        "Replace literals in SQL text by `?`.";
    "processors.request_log.tag_extraction.obfuscate.redis_arguments" => connection.obfuscation.redis_arguments,
        "Replace arguments of Redis commands by `?`.";
    "processors.request_log.tag_extraction.obfuscate.memcached_keys" => connection.obfuscation.memcached_keys,
        "Replace keys of memcached commands by `?`.";
    "processors.request_log.tag_extraction.obfuscate.url_query" => connection.obfuscation.url_query,
        "Replace the values in the query part of URLs by `?`.";
    "processors.request_log.limits.max_buffered_bytes" => connection.max_buffered_bytes,
        "Bytes kept per direction of a connection while a message is incomplete.";
    "processors.request_log.limits.max_pending_requests" => connection.max_pending_requests,
        "Requests per connection that wait for their response; the oldest leaves first, as unanswered.";
    "processors.request_log.limits.max_resource_bytes" => connection.max_resource_bytes,
        "Longest `request_resource` in bytes; longer ones are cut.";
    "processors.request_log.limits.max_attribute_bytes" => connection.max_attribute_bytes,
        "Longest attribute or error text in bytes; longer ones are cut.";
    "processors.trace.link_window" => trace.link_window,
        "How long an exchange is held so that other sightings of it can be linked.";
    "processors.trace.max_network_delay" => trace.max_network_delay,
        "How far apart in time two sightings of one message may be.";
    "processors.trace.limits.max_held_spans" => trace.max_held_spans,
        "Exchanges held at a time; more let the oldest go before its time.";
    "outputs.otlp.exchange_logs" => export.has_exchange_logs,
        "Export exchanges as log records besides spans.";
    "outputs.otlp.shutdown_timeout" => export.shutdown_timeout,
        "How long the end waits for the receiver to take what is queued.";
    "outputs.flow_log.throttles.l7_throttle" => export.max_spans_per_second,
        "Spans that `run` exports per second; of more, whole traces are left out and counted, metrics count them all. 0 is no bound.";
    "outputs.flow_metrics.interval" => export.metrics_interval,
        "How often `run` tells metrics, and how long the windows are in which flows are added up: 1s or 1m, for example.";
}

/// Reads a YAML document into `configuration`. Keys that it does not name keep their value.
pub(crate) fn read(text: &str, configuration: &mut Configuration) -> Result<(), DocumentError> {
    let is_section = |path: &str| SETTINGS.iter().any(|setting| is_inside(setting.path, path));
    for entry in document::entries(text, &is_section)? {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.path == entry.path) else {
            return Err(DocumentError { line: entry.line, reason: unknown(&entry.path) });
        };
        (setting.place)(configuration).read(&entry.node).map_err(|reason| DocumentError {
            line: entry.line,
            reason: format!("{} {reason}", entry.path),
        })?;
    }
    Ok(())
}

/// The whole configuration as YAML, each key below its meaning and default.
pub(crate) fn print(configuration: &mut Configuration) -> String {
    let mut defaults = Configuration::default();
    let mut text = String::from(
        "# Configuration of df-agent: the effective values. Every key may be left out; an unknown key is an error.\n",
    );
    let mut open: Vec<&str> = Vec::new();
    for setting in SETTINGS {
        let keys: Vec<&str> = setting.path.split('.').collect();
        let Some((leaf, sections)) = keys.split_last() else { continue };
        let shared = open.iter().zip(sections).take_while(|(left, right)| left == right).count();
        for (depth, section) in sections.iter().enumerate().skip(shared) {
            let _ = writeln!(text, "{}{section}:", "  ".repeat(depth));
        }
        open = sections.to_vec();
        let indent = "  ".repeat(sections.len());
        let default = (setting.place)(&mut defaults).show();
        let value = (setting.place)(configuration).show();
        let _ = writeln!(text, "{indent}# {} Default: {default}\n{indent}{leaf}: {value}", setting.meaning);
    }
    text
}

/// Whether `path` lies below `section`.
fn is_inside(path: &str, section: &str) -> bool {
    path.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
}

/// Says that nothing has this path, and what was probably meant.
fn unknown(path: &str) -> String {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let siblings = SETTINGS.iter().filter_map(|setting| {
        let rest = if parent.is_empty() {
            setting.path
        } else {
            setting.path.strip_prefix(parent)?.strip_prefix('.')?
        };
        rest.split('.').next()
    });
    let anywhere = SETTINGS.iter().flat_map(|setting| setting.path.split('.'));
    let nearest = |candidates: &mut dyn Iterator<Item = &'static str>| {
        candidates
            .map(|candidate| (strsim::damerau_levenshtein(candidate, name), candidate))
            .min_by_key(|(distance, _)| *distance)
    };
    let close = |(distance, _): &(usize, &str)| *distance <= name.len().max(4) / 2;
    let hint = nearest(&mut { siblings })
        .filter(close)
        .or_else(|| nearest(&mut { anywhere }).filter(close))
        .or_else(|| nearest(&mut SETTINGS.iter().map(|setting| setting.path)))
        .map_or_else(String::new, |(_, candidate)| format!("; did you mean `{candidate}`?"));
    format!("unknown key `{path}`{hint}")
}
