//! What is told of connections that are encrypted: plain text of both ends, by the right processes, and no ciphertext beside it.

use std::collections::BTreeMap;

use df_bpf::Event;
use df_core::{EventSource, SocketActivity, SocketEvent, StreamPosition, Transfer};

/// Plain text with where it stands, by the client's port, the end that told it and the way it went.
#[derive(Default)]
pub(crate) struct Streams {
    server_port: u16,
    server_pid: u32,
    client_pid: u32,
    pieces: BTreeMap<(u16, bool, bool), BTreeMap<u64, Vec<u8>>>,
    /// The first thing that must not be told.
    fault: Option<String>,
}

impl Streams {
    /// Of a server at a port.
    pub(crate) fn of(server_port: u16, server_pid: u32) -> Self {
        Self { server_port, server_pid, ..Self::default() }
    }

    /// Who is at the other end from now on.
    pub(crate) fn set_client(&mut self, pid: u32) {
        self.client_pid = pid;
    }

    pub(crate) fn keep(&mut self, event: &Event<'_>) {
        let Event::Socket(SocketEvent { socket, task, activity: SocketActivity::Data(data), .. }) = event
        else {
            return;
        };
        let is_server = socket.local.port == self.server_port;
        if !is_server && socket.remote.port != self.server_port {
            return;
        }
        let client_port = if is_server { socket.remote.port } else { socket.local.port };
        let pid = if is_server { self.server_pid } else { self.client_pid };
        if task.pid != pid {
            self.note(format!("{} told of what belongs to {pid}", task.pid));
        }
        let StreamPosition::Plaintext { offset, .. } = data.position else {
            // Handshakes are told; the version says that a record begins here.
            if data.source == EventSource::Syscall && data.bytes.starts_with(&APPLICATION_DATA) {
                self.note(format!("{} bytes of ciphertext by {}", data.original_len, data.function));
            }
            return;
        };
        let key = (client_port, is_server, data.transfer == Transfer::Sent);
        if self.pieces.entry(key).or_default().insert(offset, data.bytes.to_vec()).is_some() {
            self.note(format!("what stands at {offset} was told twice"));
        }
    }

    /// The ports of the clients, if both ends of each told the same, and nothing else was told.
    pub(crate) fn clients(&self) -> Result<Vec<u16>, String> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let mut ports: Vec<u16> = self.pieces.keys().map(|key| key.0).collect();
        ports.dedup();
        for (port, is_server) in ports.iter().flat_map(|port| [(*port, false), (*port, true)]) {
            if self.text(port, is_server, true) != self.text(port, !is_server, false) {
                let (teller, other) = if is_server { ("server", "client") } else { ("client", "server") };
                let (sent, received) =
                    (self.places(port, is_server, true), self.places(port, !is_server, false));
                return Err(format!("the {teller} sent {sent}, the {other} received {received}"));
            }
        }
        Ok(ports)
    }

    pub(crate) fn text(&self, client_port: u16, is_server: bool, is_sent: bool) -> Vec<u8> {
        let pieces = self.pieces.get(&(client_port, is_server, is_sent));
        pieces.map(|pieces| pieces.values().flatten().copied().collect()).unwrap_or_default()
    }

    /// Where each piece stands and how long it is.
    fn places(&self, client_port: u16, is_server: bool, is_sent: bool) -> String {
        let pieces = self.pieces.get(&(client_port, is_server, is_sent)).into_iter().flatten();
        pieces.map(|(offset, bytes)| format!("{offset}+{}", bytes.len())).collect::<Vec<_>>().join(" ")
    }

    fn note(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}

/// How records with application data begin: their type, and the first byte of the version.
const APPLICATION_DATA: [u8; 2] = [23, 3];
