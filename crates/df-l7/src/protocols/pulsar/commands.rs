//! The commands of Pulsar: names, who sends them, and which field holds what.

use std::borrow::Cow;

use crate::ResponseStatus;

/// One kind of command.
#[derive(Debug)]
pub(super) struct Command {
    number: u64,
    pub(super) name: &'static str,
    pub(super) role: Role,
    pub(super) fields: Fields,
}

/// Whether a command is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Request,
    Response,
    OneWay,
}

/// The numbers of fields; 0 for what a command does not have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) request_id: u64,
    pub(super) topic: u64,
    pub(super) subscription: u64,
    pub(super) producer: u64,
    pub(super) consumer: u64,
    pub(super) sequence: u64,
    pub(super) error: u64,
    pub(super) message: u64,
}

impl Command {
    /// The command with this number.
    pub(super) fn of_number(number: u64) -> Option<&'static Self> {
        let place = COMMANDS.binary_search_by_key(&number, |command| command.number).ok()?;
        COMMANDS.get(place)
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    const fn new(number: u64, name: &'static str, role: Role) -> Self {
        let fields = Fields {
            request_id: 0,
            topic: 0,
            subscription: 0,
            producer: 0,
            consumer: 0,
            sequence: 0,
            error: 0,
            message: 0,
        };
        Self { number, name, role, fields }
    }

    const fn request_id(mut self, field: u64) -> Self {
        self.fields.request_id = field;
        self
    }

    const fn topic(mut self, field: u64) -> Self {
        self.fields.topic = field;
        self
    }

    const fn subscription(mut self, field: u64) -> Self {
        self.fields.subscription = field;
        self
    }

    const fn producer(mut self, field: u64) -> Self {
        self.fields.producer = field;
        self
    }

    const fn consumer(mut self, field: u64) -> Self {
        self.fields.consumer = field;
        self
    }

    const fn sequence(mut self, field: u64) -> Self {
        self.fields.sequence = field;
        self
    }

    const fn error(mut self, error: u64, message: u64) -> Self {
        (self.fields.error, self.fields.message) = (error, message);
        self
    }
}

/// The name of an error.
pub(super) fn error_name(code: u64) -> Cow<'static, str> {
    let known = usize::try_from(code).ok().and_then(|code| ERRORS.get(code));
    known.map_or_else(|| Cow::Owned(code.to_string()), |name| Cow::Borrowed(*name))
}

/// Who is at fault.
pub(super) const fn error_status(code: u64) -> ResponseStatus {
    match code {
        0..=2 | 6..=8 | 14 | 19 | 20 => ResponseStatus::ServerError,
        _ => ResponseStatus::ClientError,
    }
}

pub(super) const CONNECT: u64 = 2;
pub(super) const SUBSCRIBE: u64 = 4;
pub(super) const PRODUCER: u64 = 5;
pub(super) const SEND: u64 = 6;
pub(super) const SEND_RECEIPT: u64 = 7;
pub(super) const SEND_ERROR: u64 = 8;
pub(super) const MESSAGE: u64 = 9;
pub(super) const ACK: u64 = 10;
pub(super) const CLOSE_PRODUCER: u64 = 15;
pub(super) const CLOSE_CONSUMER: u64 = 16;
pub(super) const PING: u64 = 18;
pub(super) const PONG: u64 = 19;

static COMMANDS: &[Command] = &[
    Command::new(2, "CONNECT", Role::Request),
    Command::new(3, "CONNECTED", Role::Response),
    Command::new(4, "SUBSCRIBE", Role::Request).request_id(5).topic(1).consumer(4).subscription(2),
    Command::new(5, "PRODUCER", Role::Request).request_id(3).topic(1).producer(2),
    Command::new(6, "SEND", Role::Request).producer(1).sequence(2),
    Command::new(7, "SEND_RECEIPT", Role::Response).producer(1).sequence(2),
    Command::new(8, "SEND_ERROR", Role::Response).producer(1).sequence(2).error(3, 4),
    Command::new(9, "MESSAGE", Role::OneWay).consumer(1),
    Command::new(10, "ACK", Role::Request).request_id(8).consumer(1),
    Command::new(11, "FLOW", Role::OneWay).consumer(1),
    Command::new(12, "UNSUBSCRIBE", Role::Request).request_id(2).consumer(1),
    Command::new(13, "SUCCESS", Role::Response).request_id(1),
    Command::new(14, "ERROR", Role::Response).request_id(1).error(2, 3),
    Command::new(15, "CLOSE_PRODUCER", Role::Request).request_id(2).producer(1),
    Command::new(16, "CLOSE_CONSUMER", Role::Request).request_id(2).consumer(1),
    Command::new(17, "PRODUCER_SUCCESS", Role::Response).request_id(1),
    Command::new(18, "PING", Role::Request),
    Command::new(19, "PONG", Role::Response),
    Command::new(20, "REDELIVER_UNACKNOWLEDGED_MESSAGES", Role::OneWay).consumer(1),
    Command::new(21, "PARTITIONED_METADATA", Role::Request).request_id(2).topic(1),
    Command::new(22, "PARTITIONED_METADATA_RESPONSE", Role::Response).request_id(2).error(4, 5),
    Command::new(23, "LOOKUP", Role::Request).request_id(2).topic(1),
    Command::new(24, "LOOKUP_RESPONSE", Role::Response).request_id(4).error(6, 7),
    Command::new(25, "CONSUMER_STATS", Role::Request).request_id(1).consumer(4),
    Command::new(26, "CONSUMER_STATS_RESPONSE", Role::Response).request_id(1).error(2, 3),
    Command::new(27, "REACHED_END_OF_TOPIC", Role::OneWay).consumer(1),
    Command::new(28, "SEEK", Role::Request).request_id(2).consumer(1),
    Command::new(29, "GET_LAST_MESSAGE_ID", Role::Request).request_id(2).consumer(1),
    Command::new(30, "GET_LAST_MESSAGE_ID_RESPONSE", Role::Response).request_id(2),
    Command::new(31, "ACTIVE_CONSUMER_CHANGE", Role::OneWay).consumer(1),
    Command::new(32, "GET_TOPICS_OF_NAMESPACE", Role::Request).request_id(1),
    Command::new(33, "GET_TOPICS_OF_NAMESPACE_RESPONSE", Role::Response).request_id(1),
    Command::new(34, "GET_SCHEMA", Role::Request).request_id(1).topic(2),
    Command::new(35, "GET_SCHEMA_RESPONSE", Role::Response).request_id(1).error(2, 3),
    Command::new(36, "AUTH_CHALLENGE", Role::OneWay),
    Command::new(37, "AUTH_RESPONSE", Role::OneWay),
    Command::new(38, "ACK_RESPONSE", Role::Response).request_id(6).consumer(1).error(4, 5),
    Command::new(39, "GET_OR_CREATE_SCHEMA", Role::Request).request_id(1).topic(2),
    Command::new(40, "GET_OR_CREATE_SCHEMA_RESPONSE", Role::Response).request_id(1).error(2, 3),
    Command::new(50, "NEW_TXN", Role::Request).request_id(1),
    Command::new(51, "NEW_TXN_RESPONSE", Role::Response).request_id(1).error(4, 5),
    Command::new(52, "ADD_PARTITION_TO_TXN", Role::Request).request_id(1),
    Command::new(53, "ADD_PARTITION_TO_TXN_RESPONSE", Role::Response).request_id(1).error(4, 5),
    Command::new(54, "ADD_SUBSCRIPTION_TO_TXN", Role::Request).request_id(1),
    Command::new(55, "ADD_SUBSCRIPTION_TO_TXN_RESPONSE", Role::Response).request_id(1).error(4, 5),
    Command::new(56, "END_TXN", Role::Request).request_id(1),
    Command::new(57, "END_TXN_RESPONSE", Role::Response).request_id(1).error(4, 5),
    Command::new(58, "END_TXN_ON_PARTITION", Role::Request).request_id(1).topic(4),
    Command::new(59, "END_TXN_ON_PARTITION_RESPONSE", Role::Response).request_id(1).error(4, 5),
    Command::new(60, "END_TXN_ON_SUBSCRIPTION", Role::Request).request_id(1),
    Command::new(61, "END_TXN_ON_SUBSCRIPTION_RESPONSE", Role::Response).request_id(1).error(4, 5),
    Command::new(62, "TC_CLIENT_CONNECT_REQUEST", Role::Request).request_id(1),
    Command::new(63, "TC_CLIENT_CONNECT_RESPONSE", Role::Response).request_id(1).error(2, 3),
    Command::new(64, "WATCH_TOPIC_LIST", Role::Request).request_id(1),
    Command::new(65, "WATCH_TOPIC_LIST_SUCCESS", Role::Response).request_id(1),
    Command::new(66, "WATCH_TOPIC_UPDATE", Role::OneWay),
    Command::new(67, "WATCH_TOPIC_LIST_CLOSE", Role::Request).request_id(1),
    Command::new(68, "TOPIC_MIGRATED", Role::OneWay),
];

static ERRORS: &[&str] = &[
    "UnknownError",
    "MetadataError",
    "PersistenceError",
    "AuthenticationError",
    "AuthorizationError",
    "ConsumerBusy",
    "ServiceNotReady",
    "ProducerBlockedQuotaExceededError",
    "ProducerBlockedQuotaExceededException",
    "ChecksumError",
    "UnsupportedVersionError",
    "TopicNotFound",
    "SubscriptionNotFound",
    "ConsumerNotFound",
    "TooManyRequests",
    "TopicTerminatedError",
    "ProducerBusy",
    "InvalidTopicName",
    "IncompatibleSchema",
    "ConsumerAssignError",
    "TransactionCoordinatorNotFound",
    "InvalidTxnStatus",
    "NotAllowedError",
    "TransactionConflict",
    "TransactionNotFound",
    "ProducerFenced",
];
