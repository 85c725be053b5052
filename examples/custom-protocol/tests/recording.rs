//! A recording of a real beanstalkd and its client, through the whole engine: found out, parsed and paired.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::Arc;

use custom_protocol::BEANSTALK;
use df_capture::{FrameSource, PcapFile, decode};
use df_core::{Chunk, FlowKey};
use df_flow::{DirectionEvidence, FlowConfig, FlowRecord, FlowSink, FlowTable};
use df_l7::{Connection, ConnectionConfig};

/// Gives every flow a connection, and keeps what the connections tell.
#[derive(Default)]
struct Exchanges {
    config: Arc<ConnectionConfig>,
    lines: Vec<String>,
}

impl Exchanges {
    fn drain(&mut self, connection: &mut Connection) {
        while let Some(exchange) = connection.poll_exchange() {
            let request = exchange.request.as_ref().and_then(|request| request.content.resource.as_deref());
            let response = exchange.response.as_ref().and_then(|response| response.content.result.as_deref());
            let (protocol, status) = (exchange.protocol.name(), exchange.status().name());
            let line =
                format!("{protocol} | {} | {} | {status}", request.unwrap_or("-"), response.unwrap_or("-"));
            self.lines.push(line);
        }
    }
}

impl FlowSink<Connection> for Exchanges {
    fn opened(&mut self, key: &FlowKey) -> Connection {
        Connection::new(key.transport, Arc::clone(&self.config))
    }

    fn chunk(&mut self, _: &FlowKey, connection: &mut Connection, chunk: Chunk<'_>) -> DirectionEvidence {
        connection.handle_chunk(chunk);
        self.drain(connection);
        DirectionEvidence::None
    }

    fn ended(&mut self, _: FlowRecord, mut connection: Connection) {
        connection.handle_close();
        self.drain(&mut connection);
    }
}

#[test]
fn a_real_server_is_understood() {
    let mut config = ConnectionConfig::default();
    config.custom_protocols.push(&BEANSTALK);
    let mut exchanges = Exchanges { config: config.into(), lines: Vec::new() };
    let mut flows = FlowTable::new(FlowConfig::default());
    let mut file = PcapFile::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/beanstalkd.pcap")).unwrap();
    while let Some(frame) = file.next_frame().unwrap() {
        if let Ok(packet) = decode(&frame) {
            flows.handle_packet(&packet, &mut exchanges);
        }
    }
    flows.finish(&mut exchanges);
    assert_eq!(exchanges.lines, EXPECTED);
}

/// The command that the server does not know is no request to us either: only its answer is.
const EXPECTED: &[&str] = &[
    "beanstalk | use mail | USING mail | ok",
    "beanstalk | put 0 0 60 5 | INSERTED 1 | ok",
    "beanstalk | watch mail | WATCHING 2 | ok",
    "beanstalk | reserve-with-timeout 1 | RESERVED 1 5 | ok",
    "beanstalk | delete 1 | DELETED | ok",
    "beanstalk | delete 99 | NOT_FOUND | client_error",
    "beanstalk | stats-tube mail | OK 262 | ok",
    "beanstalk | - | UNKNOWN_COMMAND | client_error",
    "beanstalk | put 0 0 60 3 | INSERTED 2 | ok",
    "beanstalk | put 0 0 60 3 | INSERTED 3 | ok",
    "beanstalk | reserve | RESERVED 2 3 | ok",
    "beanstalk | quit | - | unknown",
];
