//! What a connection does around its parser, shown with the template protocol.

use df_core::{Direction, Timestamp};

use super::*;
use crate::protocols::template;
use crate::{ExchangeKind, ResponseStatus};

struct Talk {
    connection: Connection,
    offsets: [u64; 2],
    at: u64,
}

impl Talk {
    fn new(config: ConnectionConfig) -> Self {
        let connection = Connection::new(Transport::Tcp, Arc::new(config)).with_protocol(&template::ROW);
        Self { connection, offsets: [0, 0], at: 0 }
    }

    fn say(&mut self, direction: Direction, text: &str) -> &mut Self {
        self.at += 1;
        let offset = self.offsets[direction.index()];
        let number = u32::try_from(offset).unwrap();
        let chunk = Chunk::new(direction, Timestamp::from_nanos(self.at), offset, text.as_bytes());
        self.connection.handle_chunk(chunk.with_sequence_number(number));
        self.offsets[direction.index()] += text.len() as u64;
        self
    }

    fn client(&mut self, text: &str) -> &mut Self {
        self.say(Direction::ToServer, text)
    }

    fn server(&mut self, text: &str) -> &mut Self {
        self.say(Direction::ToClient, text)
    }

    fn lose(&mut self, direction: Direction, bytes: u64) -> &mut Self {
        self.offsets[direction.index()] += bytes;
        self
    }

    fn exchanges(&mut self) -> Vec<String> {
        let poll = || self.connection.poll_exchange();
        std::iter::from_fn(poll).map(|exchange| story(&exchange)).collect()
    }

    fn closed(&mut self) -> Vec<String> {
        self.connection.handle_close();
        self.exchanges()
    }
}

fn story(exchange: &Exchange) -> String {
    let question = exchange.request.as_ref().and_then(|request| request.content.resource.clone());
    let answer = exchange.response.as_ref().and_then(|response| response.content.result.clone());
    format!("{} {} {}", exchange.kind.name(), question.unwrap_or_default(), answer.unwrap_or_default())
}

#[test]
fn requests_and_responses_pair_in_order() {
    let mut talk = Talk::new(ConnectionConfig::default());
    talk.client("ASK a\nASK b\nAS").client("K c\n").server("OK 1\nOK").server(" 2\nOK 3\n");
    assert_eq!(talk.exchanges(), ["exchange a 1", "exchange b 2", "exchange c 3"]);
}

#[test]
fn a_message_carries_the_time_number_and_length_of_its_own_bytes() {
    let mut talk = Talk::new(ConnectionConfig::default());
    talk.client("ASK a\nAS").client("K bcd\n").server("OK 1\nO").server("K 2\n");
    let first = talk.connection.poll_exchange().unwrap();
    assert_eq!((first.start().as_nanos(), first.end().unwrap().as_nanos()), (1, 3));
    let second = talk.connection.poll_exchange().unwrap();
    let (request, response) = (second.request.as_ref().unwrap(), second.response.as_ref().unwrap());
    assert_eq!((request.start.as_nanos(), request.end.as_nanos(), request.length), (1, 2, 8));
    assert_eq!((request.sequence_number, response.sequence_number), (Some(6), Some(5)));
    assert_eq!((response.start.as_nanos(), response.end.as_nanos()), (3, 4));
    assert_eq!(second.duration().unwrap().as_nanos(), 2);
}

#[test]
fn a_lost_response_is_not_replaced_by_the_next_one() {
    let mut talk = Talk::new(ConnectionConfig::default());
    talk.client("ASK a\n").server("OK 1\n");
    talk.client("ASK b\n").lose(Direction::ToClient, 5).client("ASK c\n").server("OK 3\n");
    assert_eq!(talk.closed(), ["exchange a 1", "request b ", "exchange c 3"]);
    assert_eq!(talk.connection.stats().gaps, 1);
}

#[test]
fn responses_held_back_by_a_loss_answer_what_was_asked_before_them() {
    let mut talk = Talk::new(ConnectionConfig::default());
    talk.client("ASK a\n").server("OK 1\n").client("ASK lost\n").lose(Direction::ToClient, 5);
    // As on a fast link: all within the tolerance of clocks, and delivered only when the loss is certain.
    talk.at = 40;
    talk.client("ASK c\n");
    talk.at = 60;
    talk.client("ASK d\n");
    talk.at = 50;
    talk.server("OK 3\n");
    talk.at = 70;
    talk.server("OK 4\n");
    assert_eq!(talk.closed(), ["exchange a 1", "request lost ", "exchange c 3", "exchange d 4"]);
}

#[test]
fn an_unreadable_response_is_not_replaced_by_the_next_one() {
    let mut talk = Talk::new(ConnectionConfig::default());
    talk.client("ASK a\n").server("the end of an answer\n").client("ASK b\n").server("OK 2\n");
    assert_eq!(talk.closed(), ["request a ", "exchange b 2"]);
    let mut talk = Talk::new(ConnectionConfig::default());
    talk.client("ASK a\n").server("noise\n").server("OK 1\n").client("ASK b\n").server("OK 2\n");
    assert_eq!(talk.closed(), ["exchange a 1", "exchange b 2"]);
}

#[test]
fn after_a_loss_requests_sent_together_are_not_paired() {
    let mut talk = Talk::new(ConnectionConfig::default());
    talk.server("OK 0\n").client("ASK a\nASK b\nASK c\n").lose(Direction::ToClient, 5).server("OK 2\n");
    assert_eq!(talk.closed(), ["response  0", "request a ", "request b ", "request c ", "response  2"]);
}

#[test]
fn a_response_first_and_a_request_without_response_stand_alone() {
    let mut talk = Talk::new(ConnectionConfig::default());
    talk.server("OK 0\n").client("ASK a\n").server("OK 1\n").client("ASK b\n");
    assert_eq!(talk.closed(), ["response  0", "exchange a 1", "request b "]);
}

#[test]
fn an_unanswered_request_leaves_at_its_deadline() {
    let mut talk = Talk::new(ConnectionConfig::default());
    talk.client("ASK a\n");
    let deadline = talk.connection.poll_timeout().unwrap();
    talk.connection.handle_timeout(Timestamp::from_nanos(deadline.as_nanos() - 1));
    assert_eq!(talk.connection.poll_exchange(), None);
    talk.connection.handle_timeout(deadline);
    let exchange = talk.connection.poll_exchange().unwrap();
    assert_eq!((exchange.kind, exchange.status()), (ExchangeKind::Unanswered, ResponseStatus::Timeout));
    assert_eq!(talk.connection.poll_timeout(), None);
}

#[test]
fn garbage_is_dropped_until_the_next_message_and_then_given_up() {
    let mut talk = Talk::new(ConnectionConfig::default());
    talk.client("garbage\n").client("ASK a\n").server("OK 1\n");
    assert_eq!(talk.exchanges(), ["exchange a 1"]);
    assert_eq!(talk.connection.stats().bytes_dropped, 8);
    for _ in 0..20 {
        talk.client("ASK ").lose(Direction::ToServer, 1).client("garbage\n");
    }
    assert!(talk.connection.buffered_bytes() < 100);
}

#[test]
fn a_message_longer_than_the_buffer_is_cut_not_kept() {
    let config = ConnectionConfig { max_buffered_bytes: 16, ..ConnectionConfig::default() };
    let mut talk = Talk::new(config);
    for _ in 0..10 {
        talk.client("ASK aaaaaaaaa");
        assert!(talk.connection.buffered_bytes() <= 16);
    }
}

#[test]
fn pending_requests_are_bounded() {
    let config = ConnectionConfig { max_pending_requests: 2, ..ConnectionConfig::default() };
    let mut talk = Talk::new(config);
    talk.client("ASK a\nASK b\nASK c\n");
    assert_eq!(talk.exchanges(), ["request a "]);
}

#[test]
fn truncated_bytes_degrade_one_message() {
    let mut talk = Talk::new(ConnectionConfig::default());
    let cut = Chunk::new(Direction::ToServer, Timestamp::from_nanos(1), 0, b"ASK abc").with_original_len(20);
    talk.connection.handle_chunk(cut);
    talk.lose(Direction::ToServer, 20);
    talk.server("OK 1\n").client("ASK b\n").server("OK 2\n");
    assert_eq!(talk.closed(), ["exchange abc 1", "exchange b 2"]);
}

#[test]
fn every_byte_is_accounted_for() {
    let mut talk = Talk::new(ConnectionConfig::default());
    talk.client("nonsense\n")
        .client("ASK a\nAS")
        .server("OK 1\n")
        .lose(Direction::ToClient, 9)
        .server("what\n");
    let stats = talk.connection.stats();
    let accounted =
        stats.bytes_parsed + stats.bytes_unknown + stats.bytes_dropped + talk.connection.buffered_bytes();
    assert_eq!(stats.bytes, accounted);
}
