//! MQTT [3.1](https://public.dhe.ibm.com/software/dw/webservices/ws-mqtt/mqtt-v3r1.html),
//! [3.1.1](https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/mqtt-v3.1.1.html) and
//! [5.0](https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html).
//!
//! One exchange per packet that is answered, paired by the packet identifier, of which each end has its own: `CONNECT`, `PUBLISH`
//! with a quality of service of 1 (`PUBACK`) or 2 (`PUBREC`; what follows it is no exchange of its own), `SUBSCRIBE`,
//! `UNSUBSCRIBE`, `PINGREQ`, and `AUTH` that authenticates anew. One-way are `PUBLISH` with 0, `DISCONNECT` and any other `AUTH`.
//! The broker asks too when it hands messages over: that is marked. What stands in a record:
//!
//! | field | content |
//! |---|---|
//! | `request_type` | the packet: `CONNECT`, `PUBLISH`, `SUBSCRIBE` |
//! | `version` | `3.1`, `3.1.1` or `5.0`; absent where the capture does not tell it |
//! | `endpoint`, `messaging.destination.name` | the topic; of a subscription the filter, if there is one |
//! | `request_resource` | the topic, or all filters as they were sent |
//! | `response_code`, `response_exception` | the return or reason code in decimal, of several the highest; reason string or name of a refusal |
//! | `response_result` | of a subscription to several filters all codes |
//! | `operation`, `messaging.operation.name`, `messaging.operation.type` | `publish` (`send`), `receive` (`receive`) for what the broker hands over; else the packet in lower case |
//! | `messaging.client.id` | the client's identifier, given by itself or by the broker |
//! | `messaging.consumer.group.name` | the group of a shared subscription |
//! | `messaging.message.body.size` | bytes of the payload |
//! | `messaging.message.conversation_id` | correlation data, if they are text |
//! | `df.mqtt.packet_id`, `df.mqtt.qos`, `df.mqtt.retain`, `df.mqtt.dup` | as on the wire |
//! | `df.mqtt.is_from_server` | whether the broker sent it |
//!
//! `docs/protocols.md` has the rest. Payloads, passwords, authentication data and user names are never kept. Trace context
//! is in the user properties of version 5. Topic aliases are resolved per direction; one that was set before the capture
//! began leaves the topic absent. Of a connection joined in mid-life only what stands alike in all versions is told, until
//! a packet shows the version.

use std::time::Duration;

use df_core::Transport;

use crate::{Family, Parser, Protocol, ProtocolRow};

mod connect;
mod detect;
mod packet_ids;
mod parser;
mod properties;
mod publish;
mod reasons;
mod request;
mod response;
mod subscribe;
mod topics;
mod wire;

pub use parser::MqttParser;

/// The protocol's row in the table.
pub(crate) const ROW: ProtocolRow = ProtocolRow {
    protocol: Protocol::Mqtt,
    name: "mqtt",
    family: Family::Messaging,
    transports: &[Transport::Tcp],
    ports: &[1883],
    has_request_ids: false,
    timeout: Duration::from_secs(120),
    detect: detect::detect,
    parser: |config, transport| Box::new(MqttParser::new(config, transport)) as Box<dyn Parser>,
};

#[cfg(test)]
mod tests;
