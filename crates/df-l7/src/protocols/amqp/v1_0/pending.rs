//! What is still to be answered on a connection of AMQP 1.0: requests by what they are about, messages by their deliveries.

use std::collections::{BTreeMap, VecDeque};

use df_core::Direction;

use super::super::wire::Layer;
use super::links::Link;
use super::performative::Kind;

/// What wants an answer: a protocol header or a performative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Header(Layer),
    Performative(Kind),
}

impl Asked {
    /// Whether the end of a channel makes an answer impossible.
    const fn is_on_channel(self) -> bool {
        matches!(self, Self::Performative(Kind::Begin | Kind::Attach | Kind::Detach | Kind::End))
    }
}

/// A request that wants an answer.
#[derive(Debug, Clone)]
pub(super) struct Due {
    /// That of the request.
    pub(super) direction: Direction,
    pub(super) asked: Asked,
    pub(super) channel: u32,
    /// The link; none of what is not about a link, or about one that nobody knows.
    pub(super) link: Option<Link>,
    pub(super) number: u64,
    pub(super) state: DueState,
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DueState {
    Open,
    /// The answer said that there is no such node, and why will be said next.
    Refused,
    /// It said why something ended, which was told then: its answer tells nothing.
    Told,
}

impl Due {
    /// Whether the other end's frame may be about the same.
    fn is_about(&self, answer: Direction, asked: Asked, channel: u32) -> bool {
        self.direction != answer && self.asked == asked && self.channel == channel
    }
}

/// What is still to be answered.
#[derive(Debug, Default)]
pub(super) struct Pending {
    requests: VecDeque<Due>,
    /// Messages by the direction in which they went, their channel and their delivery.
    deliveries: BTreeMap<(usize, u32, u32), Delivery>,
}

/// A message whose outcome is awaited.
#[derive(Debug, Clone)]
struct Delivery {
    number: u64,
    link: Option<Vec<u8>>,
}

impl Pending {
    pub(super) fn insert_request(&mut self, due: Due) {
        if self.requests.len() >= MAX_DUE_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(due);
    }

    /// The header that the other end has sent, whatever it was about.
    pub(super) fn take_header(&mut self, answer: Direction) -> Option<Due> {
        let is_header = |due: &Due| due.direction != answer && matches!(due.asked, Asked::Header(_));
        let place = self.requests.iter().position(is_header)?;
        self.requests.remove(place)
    }

    /// The oldest request of the other end that is about this.
    pub(super) fn take_request(&mut self, answer: Direction, asked: Asked, channel: u32) -> Option<Due> {
        let place = self.requests.iter().position(|due| due.is_about(answer, asked, channel))?;
        self.requests.remove(place)
    }

    /// The other end's request about this link; where its name is not known on either side, the only one there is.
    pub(super) fn find_link_request(
        &mut self,
        answer: Direction,
        kind: Kind,
        channel: u32,
        link: Option<&[u8]>,
    ) -> Option<&mut Due> {
        let asked = Asked::Performative(kind);
        let is_named =
            |due: &Due| due.link.as_ref().zip(link).is_some_and(|(asked, answered)| asked.name == answered);
        let is_nameless = |due: &Due| due.link.is_none() || link.is_none();
        let mut about =
            self.requests.iter().enumerate().filter(|(_, due)| due.is_about(answer, asked, channel));
        let place = match about.clone().find(|(_, due)| is_named(due)) {
            Some((place, _)) => place,
            None => match (about.next(), about.next()) {
                (Some((place, due)), None) if is_nameless(due) => place,
                _ => return None,
            },
        };
        self.requests.get_mut(place)
    }

    pub(super) fn take_link_request(
        &mut self,
        answer: Direction,
        kind: Kind,
        channel: u32,
        link: Option<&[u8]>,
    ) -> Option<Due> {
        let number = self.find_link_request(answer, kind, channel, link)?.number;
        let place = self.requests.iter().position(|due| due.number == number)?;
        self.requests.remove(place)
    }

    /// The attachment that the other end has refused, and now says why.
    pub(super) fn take_refused(
        &mut self,
        answer: Direction,
        channel: u32,
        link: Option<&[u8]>,
    ) -> Option<Due> {
        let due = self.find_link_request(answer, Kind::Attach, channel, link)?;
        let number = (due.state == DueState::Refused).then_some(due.number)?;
        let place = self.requests.iter().position(|due| due.number == number)?;
        self.requests.remove(place)
    }

    /// All that the other end has asked for there, or anywhere: nothing of it will be answered otherwise.
    pub(super) fn take_requests(&mut self, answer: Direction, channel: Option<u32>) -> Vec<u64> {
        let is_taken = |due: &Due| {
            due.direction != answer
                && channel.is_none_or(|channel| due.channel == channel && due.asked.is_on_channel())
        };
        let taken = self.requests.iter().filter(|due| is_taken(due)).map(|due| due.number).collect();
        self.requests.retain(|due| !is_taken(due));
        taken
    }

    /// Frames of this direction were lost, which may have been answers.
    pub(super) fn forget_requests(&mut self, answer: Direction) {
        self.requests.retain(|due| due.direction == answer);
    }

    pub(super) fn insert_delivery(
        &mut self,
        direction: Direction,
        channel: u32,
        delivery: u32,
        awaited: (u64, Option<Vec<u8>>),
        max_pending: usize,
    ) {
        if self.deliveries.len() >= max_pending.max(1) {
            self.deliveries.pop_first();
        }
        let (number, link) = awaited;
        self.deliveries.insert((direction.index(), channel, delivery), Delivery { number, link });
    }

    /// Settles the deliveries from the first to the last, whose numbers may pass zero between them.
    pub(super) fn settle(&mut self, direction: Direction, channel: u32, first: u32, last: u32) -> Vec<u64> {
        if first <= last {
            return self.settle_range(direction, channel, first, last);
        }
        // Numbers are compared as RFC 1982 says: a last one that is half the numbers behind is none.
        if last.wrapping_sub(first) > u32::MAX / 2 {
            return Vec::new();
        }
        let mut settled = self.settle_range(direction, channel, first, u32::MAX);
        settled.extend(self.settle_range(direction, channel, 0, last));
        settled
    }

    fn settle_range(&mut self, direction: Direction, channel: u32, first: u32, last: u32) -> Vec<u64> {
        let range = (direction.index(), channel, first)..=(direction.index(), channel, last);
        let mut settled = Vec::new();
        while let Some(key) = self.deliveries.range(range.clone()).next().map(|(key, _)| *key) {
            settled.extend(self.deliveries.remove(&key).map(|delivery| delivery.number));
        }
        settled
    }

    /// Every message that waits for its outcome, of a direction, a channel and a link, or of any: there will be none.
    pub(super) fn take_deliveries(
        &mut self,
        direction: Option<Direction>,
        channel: Option<u32>,
        link: Option<&[u8]>,
    ) -> Vec<u64> {
        let is_taken = |key: &(usize, u32, u32), delivery: &Delivery| {
            direction.is_none_or(|direction| key.0 == direction.index())
                && channel.is_none_or(|channel| key.1 == channel)
                && link.is_none_or(|link| delivery.link.as_deref() == Some(link))
        };
        let taken: Vec<_> =
            self.deliveries.iter().filter(|(key, delivery)| is_taken(key, delivery)).collect();
        let taken = taken.iter().map(|(_, delivery)| delivery.number).collect();
        self.deliveries.retain(|key, delivery| !is_taken(key, delivery));
        taken
    }
}

/// How many requests of one connection are remembered until their answer.
const MAX_DUE_REQUESTS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const TO_SERVER: Direction = Direction::ToServer;
    const TO_CLIENT: Direction = Direction::ToClient;

    fn due(number: u64, link: Option<&str>) -> Due {
        let link = link.map(|name| Link { name: name.into(), ..Link::default() });
        let asked = Asked::Performative(Kind::Detach);
        Due { direction: TO_SERVER, asked, channel: 1, link, number, state: DueState::Open }
    }

    #[test]
    fn deliveries_are_counted_past_zero() {
        let mut pending = Pending::default();
        for (number, delivery) in [(1, u32::MAX - 1), (2, u32::MAX), (3, 0), (4, 1), (5, 2)] {
            pending.insert_delivery(TO_SERVER, 1, delivery, (number, None), 16);
        }
        assert!(pending.settle(TO_SERVER, 1, 2, 1).is_empty(), "the last is before the first");
        assert!(pending.settle(TO_CLIENT, 1, 0, 2).is_empty(), "the other direction's");
        assert!(pending.settle(TO_SERVER, 2, 0, 2).is_empty(), "another channel's");
        assert_eq!(pending.settle(TO_SERVER, 1, u32::MAX, 1), [2, 3, 4]);
        assert_eq!(pending.take_deliveries(None, Some(1), None).len(), 2);
    }

    #[test]
    fn requests_about_links_are_known_by_name_or_by_being_the_only_one() {
        let mut pending = Pending::default();
        let take = |pending: &mut Pending, link: Option<&[u8]>| {
            pending.take_link_request(TO_CLIENT, Kind::Detach, 1, link).map(|due| due.number)
        };
        pending.insert_request(due(1, Some("a")));
        pending.insert_request(due(2, Some("b")));
        assert_eq!(take(&mut pending, None), None, "it may be either");
        assert_eq!(take(&mut pending, Some(b"c")), None);
        assert_eq!(take(&mut pending, Some(b"b")), Some(2));
        assert_eq!(take(&mut pending, Some(b"c")), None);
        assert_eq!(take(&mut pending, None), Some(1));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut pending = Pending::default();
        for number in 0..10_000 {
            pending.insert_request(due(number, None));
            let delivery = u32::try_from(number).unwrap();
            pending.insert_delivery(TO_SERVER, 1, delivery, (number, None), 16);
        }
        assert_eq!(pending.requests.len(), MAX_DUE_REQUESTS);
        assert_eq!(pending.deliveries.len(), 16);
    }
}
