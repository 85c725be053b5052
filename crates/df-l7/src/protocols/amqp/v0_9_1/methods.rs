//! The methods of AMQP 0-9-1 with RabbitMQ's extensions: who sends them, what they are to each other, what they say.

use df_core::Direction;

/// A method of the protocol.
#[derive(Debug)]
pub(in super::super) struct Method {
    pub(super) class: u16,
    pub(super) number: u16,
    /// The name in records.
    pub(super) name: &'static str,
    pub(super) sender: Sender,
    pub(super) role: Role,
    pub(super) fields: &'static [Field],
}

/// Who may send a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    Client,
    Server,
    Either,
}

/// What a method is in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Wants an answer, unless its flags have a bit of this mask.
    Request(u8),
    /// Answers the method of its class with this number.
    Answer(u16),
    /// Answers the client's words of the login.
    LoginAnswer,
    /// Ends a channel or the connection, for a reason.
    Close,
    /// Settles messages.
    Settlement,
    /// Wants no answer.
    OneWay,
}

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// So many bytes that tell nothing.
    Skip(u8),
    /// Flags, lowest first.
    Flags,
    Exchange,
    RoutingKey,
    /// A queue, or the exchange that is bound to another.
    Queue,
    ConsumerTag,
    DeliveryTag,
    Vhost,
    ReplyCode,
    /// A reason, too.
    ReplyText,
    /// The class and number of the method that failed.
    Culprit,
    Count,
    Mechanism,
    /// What a peer says of itself.
    PeerTable,
    /// A text or table that is not shown.
    Hidden,
}

impl Method {
    /// The method with this class and number.
    pub(in super::super) fn find(class: u16, number: u16) -> Option<&'static Self> {
        let place = METHODS.binary_search_by_key(&(class, number), |row| (row.class, row.number)).ok()?;
        METHODS.get(place)
    }

    pub(super) const fn key(&self) -> (u16, u16) {
        (self.class, self.number)
    }

    /// Whether properties and a body follow.
    pub(super) const fn has_content(&self) -> bool {
        matches!(self.key(), PUBLISH | RETURN | DELIVER | GET_OK)
    }

    /// Whether the peer that sends in this direction may say this.
    pub(super) fn is_said(&self, direction: Direction) -> bool {
        match self.sender {
            Sender::Client => direction == Direction::ToServer,
            Sender::Server => direction == Direction::ToClient,
            Sender::Either => true,
        }
    }

    /// The direction in which it goes, if there is but one.
    pub(in super::super) const fn direction(&self) -> Option<Direction> {
        match self.sender {
            Sender::Client => Some(Direction::ToServer),
            Sender::Server => Some(Direction::ToClient),
            Sender::Either => None,
        }
    }
}

pub(super) const START: (u16, u16) = (10, 10);
pub(super) const START_OK: (u16, u16) = (10, 11);
pub(super) const SECURE_OK: (u16, u16) = (10, 21);
pub(super) const OPEN: (u16, u16) = (10, 40);
pub(super) const CONNECTION_CLOSE: (u16, u16) = (10, 50);
pub(super) const CONNECTION_CLOSE_OK: (u16, u16) = (10, 51);
pub(super) const CHANNEL_OPEN: (u16, u16) = (20, 10);
pub(super) const CHANNEL_CLOSE_OK: (u16, u16) = (20, 41);
pub(super) const EXCHANGE_DECLARE: (u16, u16) = (40, 10);
pub(super) const QUEUE_DECLARE: (u16, u16) = (50, 10);
pub(super) const QUEUE_DECLARE_OK: (u16, u16) = (50, 11);
pub(super) const CONSUME: (u16, u16) = (60, 20);
pub(super) const CONSUME_OK: (u16, u16) = (60, 21);
pub(super) const CANCEL: (u16, u16) = (60, 30);
pub(super) const PUBLISH: (u16, u16) = (60, 40);
pub(super) const RETURN: (u16, u16) = (60, 50);
pub(super) const DELIVER: (u16, u16) = (60, 60);
pub(super) const GET: (u16, u16) = (60, 70);
pub(super) const GET_OK: (u16, u16) = (60, 71);
pub(super) const GET_EMPTY: (u16, u16) = (60, 72);
pub(super) const ACK: (u16, u16) = (60, 80);
pub(super) const REJECT: (u16, u16) = (60, 90);
pub(super) const NACK: (u16, u16) = (60, 120);
pub(super) const CONFIRM_SELECT: (u16, u16) = (85, 10);

macro_rules! methods {
    ($($class:literal $number:literal $name:literal $sender:ident $role:expr, [$($field:expr),*];)+) => {
        /// Every method, in order of class and number.
        static METHODS: &[Method] = {
            use Field::*;
            use Role::*;
            &[$(Method {
                class: $class,
                number: $number,
                name: $name,
                sender: Sender::$sender,
                role: $role,
                fields: &[$($field),*],
            }),+]
        };
    };
}

methods! {
    10 10 "Connection.Start" Server Answer(0), [Skip(2), PeerTable];
    10 11 "Connection.StartOk" Client Request(0), [PeerTable, Mechanism];
    10 20 "Connection.Secure" Server LoginAnswer, [];
    10 21 "Connection.SecureOk" Client Request(0), [];
    10 30 "Connection.Tune" Server LoginAnswer, [];
    10 31 "Connection.TuneOk" Client OneWay, [];
    10 40 "Connection.Open" Client Request(0), [Vhost];
    10 41 "Connection.OpenOk" Server Answer(40), [];
    10 50 "Connection.Close" Either Close, [ReplyCode, ReplyText, Culprit];
    10 51 "Connection.CloseOk" Either Answer(50), [];
    10 60 "Connection.Blocked" Server OneWay, [ReplyText];
    10 61 "Connection.Unblocked" Server OneWay, [];
    10 70 "Connection.UpdateSecret" Client Request(0), [Hidden];
    10 71 "Connection.UpdateSecretOk" Server Answer(70), [];
    20 10 "Channel.Open" Client Request(0), [];
    20 11 "Channel.OpenOk" Server Answer(10), [];
    20 20 "Channel.Flow" Either Request(0), [];
    20 21 "Channel.FlowOk" Either Answer(20), [];
    20 40 "Channel.Close" Either Close, [ReplyCode, ReplyText, Culprit];
    20 41 "Channel.CloseOk" Either Answer(40), [];
    30 10 "Access.Request" Client Request(0), [];
    30 11 "Access.RequestOk" Server Answer(10), [];
    40 10 "Exchange.Declare" Client Request(16), [Skip(2), Exchange, Hidden, Flags];
    40 11 "Exchange.DeclareOk" Server Answer(10), [];
    40 20 "Exchange.Delete" Client Request(2), [Skip(2), Exchange, Flags];
    40 21 "Exchange.DeleteOk" Server Answer(20), [];
    40 30 "Exchange.Bind" Client Request(1), [Skip(2), Queue, Exchange, RoutingKey, Flags];
    40 31 "Exchange.BindOk" Server Answer(30), [];
    40 40 "Exchange.Unbind" Client Request(1), [Skip(2), Queue, Exchange, RoutingKey, Flags];
    40 51 "Exchange.UnbindOk" Server Answer(40), [];
    50 10 "Queue.Declare" Client Request(16), [Skip(2), Queue, Flags];
    50 11 "Queue.DeclareOk" Server Answer(10), [Queue, Count];
    50 20 "Queue.Bind" Client Request(1), [Skip(2), Queue, Exchange, RoutingKey, Flags];
    50 21 "Queue.BindOk" Server Answer(20), [];
    50 30 "Queue.Purge" Client Request(1), [Skip(2), Queue, Flags];
    50 31 "Queue.PurgeOk" Server Answer(30), [Count];
    50 40 "Queue.Delete" Client Request(4), [Skip(2), Queue, Flags];
    50 41 "Queue.DeleteOk" Server Answer(40), [Count];
    50 50 "Queue.Unbind" Client Request(0), [Skip(2), Queue, Exchange, RoutingKey];
    50 51 "Queue.UnbindOk" Server Answer(50), [];
    60 10 "Basic.Qos" Client Request(0), [];
    60 11 "Basic.QosOk" Server Answer(10), [];
    60 20 "Basic.Consume" Client Request(8), [Skip(2), Queue, ConsumerTag, Flags];
    60 21 "Basic.ConsumeOk" Server Answer(20), [ConsumerTag];
    60 30 "Basic.Cancel" Either Request(1), [ConsumerTag, Flags];
    60 31 "Basic.CancelOk" Either Answer(30), [ConsumerTag];
    60 40 "Basic.Publish" Client OneWay, [Skip(2), Exchange, RoutingKey, Flags];
    60 50 "Basic.Return" Server OneWay, [ReplyCode, ReplyText, Exchange, RoutingKey];
    60 60 "Basic.Deliver" Server OneWay, [ConsumerTag, DeliveryTag, Flags, Exchange, RoutingKey];
    60 70 "Basic.Get" Client Request(0), [Skip(2), Queue, Flags];
    60 71 "Basic.GetOk" Server Answer(70), [DeliveryTag, Flags, Exchange, RoutingKey, Count];
    60 72 "Basic.GetEmpty" Server Answer(70), [];
    60 80 "Basic.Ack" Either Settlement, [DeliveryTag, Flags];
    60 90 "Basic.Reject" Client Settlement, [DeliveryTag, Flags];
    60 100 "Basic.RecoverAsync" Client OneWay, [Flags];
    60 110 "Basic.Recover" Client Request(0), [Flags];
    60 111 "Basic.RecoverOk" Server Answer(110), [];
    60 120 "Basic.Nack" Either Settlement, [DeliveryTag, Flags];
    85 10 "Confirm.Select" Client Request(1), [Flags];
    85 11 "Confirm.SelectOk" Server Answer(10), [];
    90 10 "Tx.Select" Client Request(0), [];
    90 11 "Tx.SelectOk" Server Answer(10), [];
    90 20 "Tx.Commit" Client Request(0), [];
    90 21 "Tx.CommitOk" Server Answer(20), [];
    90 30 "Tx.Rollback" Client Request(0), [];
    90 31 "Tx.RollbackOk" Server Answer(30), [];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_in_order_and_every_answer_has_its_request() {
        assert!(METHODS.is_sorted_by_key(Method::key));
        for method in METHODS {
            if let Role::Answer(request @ 1..) = method.role {
                let request = Method::find(method.class, request).expect("a method");
                let is_request = matches!(request.role, Role::Request(_) | Role::Close);
                assert!(is_request && method.name.starts_with(request.name), "{}", method.name);
            }
        }
    }
}
