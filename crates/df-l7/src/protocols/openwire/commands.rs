//! The commands of OpenWire, by the type that begins them, and where they name a destination.

/// What stands before the destination in a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// An identifier: a text and so many numbers.
    Identifier(u8),
    Boolean,
}

/// The name of a command.
pub(super) const fn name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "WireFormatInfo",
        2 => "BrokerInfo",
        3 => "ConnectionInfo",
        4 => "SessionInfo",
        5 => "ConsumerInfo",
        6 => "ProducerInfo",
        7 => "TransactionInfo",
        8 => "DestinationInfo",
        9 => "RemoveSubscriptionInfo",
        10 => "KeepAliveInfo",
        11 => "ShutdownInfo",
        12 => "RemoveInfo",
        14 => "ControlCommand",
        15 => "FlushCommand",
        16 => "ConnectionError",
        17 => "ConsumerControl",
        18 => "ConnectionControl",
        19 => "ProducerAck",
        20 => "MessagePull",
        21 => "MessageDispatch",
        22 => "MessageAck",
        23 => "ActiveMQMessage",
        24 => "ActiveMQBytesMessage",
        25 => "ActiveMQMapMessage",
        26 => "ActiveMQObjectMessage",
        27 => "ActiveMQStreamMessage",
        28 => "ActiveMQTextMessage",
        29 => "ActiveMQBlobMessage",
        30 => "Response",
        31 => "ExceptionResponse",
        32 => "DataResponse",
        33 => "DataArrayResponse",
        34 => "IntegerResponse",
        40 => "DiscoveryEvent",
        54 => "ReplayCommand",
        60 => "PartialCommand",
        61 => "LastPartialCommand",
        90 => "MessageDispatchNotification",
        _ => return None,
    })
}

/// Whether it answers a command.
pub(super) const fn is_response(kind: u8) -> bool {
    matches!(kind, 30..=34)
}

/// What clients call it, where it moves messages, and its type.
pub(super) const fn operation(kind: u8) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        20 | 21 => ("receive", "receive"),
        22 => ("ack", "settle"),
        23..=29 => ("send", "send"),
        _ => return None,
    })
}

/// What stands before the destination; none if a command names none.
pub(super) const fn before_destination(kind: u8) -> Option<&'static [Before]> {
    Some(match kind {
        5 => &[Before::Identifier(2), Before::Boolean],
        6 | 20 | 21 | 23..=29 => &[Before::Identifier(2)],
        8 => &[Before::Identifier(0)],
        22 => &[],
        _ => return None,
    })
}

pub(super) const WIRE_FORMAT_INFO: u8 = 1;
pub(super) const BROKER_INFO: u8 = 2;
pub(super) const CONNECTION_INFO: u8 = 3;
pub(super) const KEEP_ALIVE_INFO: u8 = 10;
pub(super) const CONNECTION_CONTROL: u8 = 18;
pub(super) const EXCEPTION_RESPONSE: u8 = 31;
