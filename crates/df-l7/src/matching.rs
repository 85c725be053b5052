//! Pairs responses with their requests.

use std::collections::VecDeque;
use std::time::Duration;

use df_core::{Direction, Timestamp};

use crate::{Correlation, Exchange, ExchangeKind, Observed, ProtocolRow, Request, Response};

/// The requests of one connection that wait for their response, and the responses that came before their request.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    requests: VecDeque<PendingRequest>,
    responses: VecDeque<PendingResponse>,
}

#[derive(Debug)]
struct PendingRequest {
    correlation: Correlation,
    request: Box<Observed<Request>>,
    /// Whether bytes of the other direction were lost since: the response may have been among them.
    may_be_answered: bool,
    /// Whether its response has begun: it waits no longer, however long the response takes.
    is_being_answered: bool,
}

#[derive(Debug)]
struct PendingResponse {
    correlation: Correlation,
    response: Box<Observed<Response>>,
}

/// What the other end is sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InProgress {
    Nothing,
    Response,
}

/// Where finished exchanges go, and what they have in common.
pub(crate) struct Finished<'a> {
    pub(crate) exchanges: &'a mut VecDeque<Exchange>,
    pub(crate) row: &'static ProtocolRow,
    pub(crate) is_reversed: bool,
}

impl Matcher {
    /// Whether nothing waits for its other half.
    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.responses.is_empty()
    }

    pub(crate) fn handle_request(
        &mut self,
        correlation: Correlation,
        request: Box<Observed<Request>>,
        max_pending: usize,
        finished: &mut Finished<'_>,
    ) {
        self.release_overtaken_responses(correlation, &request, finished);
        if let Some(response) = self.take_response(correlation, request.start) {
            return finished.push(correlation, ExchangeKind::Complete, Some(request), Some(response));
        }
        if correlation == Correlation::InOrder {
            self.give_up_possibly_answered(finished);
        }
        reserve_one(&mut self.requests);
        self.requests.push_back(PendingRequest {
            correlation,
            request,
            may_be_answered: false,
            is_being_answered: false,
        });
        if self.requests.len() > max_pending {
            self.give_up_oldest(finished);
        }
    }

    pub(crate) fn handle_response(
        &mut self,
        correlation: Correlation,
        response: Box<Observed<Response>>,
        max_pending: usize,
        finished: &mut Finished<'_>,
    ) {
        // A response that was held back until bytes before it were given up for lost does not answer what was asked
        // in the meantime.
        let was_asked_before = self.requests.iter().any(|pending| pending.request.start <= response.start);
        let tolerance = if was_asked_before { Duration::ZERO } else { CLOCK_TOLERANCE };
        let latest_start = response.start.saturating_add(tolerance);
        let is_asked_later =
            |pending: &PendingRequest| !pending.may_be_answered && pending.request.start <= latest_start;
        if correlation == Correlation::InOrder && self.requests.iter().any(is_asked_later) {
            // Who asked again had the answers to what was asked before.
            self.give_up_possibly_answered(finished);
        }
        let answers = |pending: &PendingRequest| {
            pending.correlation == correlation
                && (correlation != Correlation::InOrder || pending.request.start <= latest_start)
        };
        let place = self.requests.iter().position(answers);
        let place = place.map(|place| self.release_silent_before(place, finished));
        if let Some(pending) = place.and_then(|place| self.requests.remove(place)) {
            return finished.push(correlation, ExchangeKind::Complete, Some(pending.request), Some(response));
        }
        self.responses.push_back(PendingResponse { correlation, response });
        if self.responses.len() > max_pending.min(MAX_EARLY_RESPONSES) {
            self.release_oldest_response(finished);
        }
    }

    /// The response to the request with this identifier has begun among others.
    pub(crate) fn handle_response_started(&mut self, id: u64) {
        let is_asked = |pending: &&mut PendingRequest| pending.correlation == Correlation::Id(id);
        if let Some(pending) = self.requests.iter_mut().find(is_asked) {
            pending.is_being_answered = true;
        }
    }

    /// Bytes of `direction` were lost before `until`, and with them perhaps whole messages.
    pub(crate) fn handle_gap(&mut self, direction: Direction, until: Timestamp, finished: &mut Finished<'_>) {
        if direction == Direction::ToServer {
            return;
        }
        for pending in &mut self.requests {
            pending.may_be_answered |=
                pending.correlation == Correlation::InOrder && pending.request.start <= until;
        }
        self.give_up_all_but_the_last(finished);
    }

    /// Gives up what has waited too long. Requests in order stay while a response is coming: it answers the oldest of
    /// them, and the others wait behind it.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Timestamp,
        timeout: Duration,
        in_progress: InProgress,
        finished: &mut Finished<'_>,
    ) {
        while self.request_deadline(timeout, in_progress).is_some_and(|deadline| deadline <= now) {
            let oldest = self.requests.iter().position(|pending| !pending.is_being_answered);
            if let Some(pending) = oldest.and_then(|place| self.requests.remove(place)) {
                finished.push_unanswered(pending);
            }
        }
        while self
            .responses
            .front()
            .is_some_and(|pending| pending.response.start.saturating_add(EARLY_WINDOW) <= now)
        {
            self.release_oldest_response(finished);
        }
    }

    pub(crate) fn poll_timeout(&self, timeout: Duration, in_progress: InProgress) -> Option<Timestamp> {
        let request = self.request_deadline(timeout, in_progress);
        let response =
            self.responses.front().map(|pending| pending.response.start.saturating_add(EARLY_WINDOW));
        match (request, response) {
            (Some(request), Some(response)) => Some(request.min(response)),
            (one, other) => one.or(other),
        }
    }

    /// Nothing more will come: everything leaves as it stands.
    pub(crate) fn handle_close(&mut self, finished: &mut Finished<'_>) {
        while !self.responses.is_empty() {
            self.release_oldest_response(finished);
        }
        while !self.requests.is_empty() {
            self.give_up_oldest(finished);
        }
    }

    /// When the oldest request has waited too long; none while it is being answered.
    fn request_deadline(&self, timeout: Duration, in_progress: InProgress) -> Option<Timestamp> {
        let oldest = self.requests.iter().find(|pending| !pending.is_being_answered)?;
        let is_answered = in_progress == InProgress::Response && oldest.correlation == Correlation::InOrder;
        (!is_answered).then(|| oldest.request.start.saturating_add(timeout))
    }

    /// A response that came before this request is its own only if it did not come before it in time.
    fn take_response(
        &mut self,
        correlation: Correlation,
        start: Timestamp,
    ) -> Option<Box<Observed<Response>>> {
        let answers =
            |pending: &PendingResponse| pending.correlation == correlation && pending.response.start >= start;
        let place = self.responses.iter().position(answers)?;
        self.responses.remove(place).map(|pending| pending.response)
    }

    /// Responses in order that are older than a request cannot answer it or any later one.
    fn release_overtaken_responses(
        &mut self,
        correlation: Correlation,
        request: &Observed<Request>,
        finished: &mut Finished<'_>,
    ) {
        while correlation == Correlation::InOrder
            && self.responses.front().is_some_and(|pending| pending.response.start < request.start)
        {
            self.release_oldest_response(finished);
        }
    }

    fn give_up_possibly_answered(&mut self, finished: &mut Finished<'_>) {
        while self.requests.front().is_some_and(|pending| pending.may_be_answered) {
            self.give_up_oldest(finished);
        }
    }

    /// Of several requests in flight nobody can tell which ones were answered in a gap. If they were not sent together,
    /// each was sent after the response to the one before, so that only the last still waits.
    fn give_up_all_but_the_last(&mut self, finished: &mut Finished<'_>) {
        let mut newest = self.requests.iter().rev().filter(|pending| pending.may_be_answered);
        let (Some(last), Some(before)) = (newest.next(), newest.next()) else { return };
        let kept = usize::from(before.request.start < last.request.start);
        while self.requests.iter().filter(|pending| pending.may_be_answered).count() > kept {
            self.give_up_oldest(finished);
        }
    }

    fn give_up_oldest(&mut self, finished: &mut Finished<'_>) {
        if let Some(pending) = self.requests.pop_front() {
            finished.push_unanswered(pending);
        }
    }

    /// The request at `place` is answered: those before it that the server may leave unanswered were. Gives its new
    /// place.
    fn release_silent_before(&mut self, place: usize, finished: &mut Finished<'_>) -> usize {
        let is_silent = |pending: &PendingRequest| pending.request.content.may_be_unanswered;
        if !self.requests.iter().take(place).any(is_silent) {
            return place;
        }
        let mut kept = 0;
        for _ in 0..place {
            if !self.requests.get(kept).is_some_and(is_silent) {
                kept += 1;
            } else if let Some(pending) = self.requests.remove(kept) {
                finished.push_unanswered(pending);
            }
        }
        kept
    }

    fn release_oldest_response(&mut self, finished: &mut Finished<'_>) {
        if let Some(pending) = self.responses.pop_front() {
            finished.push(pending.correlation, ExchangeKind::ResponseOnly, None, Some(pending.response));
        }
    }
}

impl Finished<'_> {
    fn push_unanswered(&mut self, pending: PendingRequest) {
        let is_complete = pending.request.content.may_be_unanswered;
        let kind =
            if is_complete { ExchangeKind::OneWay(Direction::ToServer) } else { ExchangeKind::Unanswered };
        self.push(pending.correlation, kind, Some(pending.request), None);
    }

    pub(crate) fn push(
        &mut self,
        correlation: Correlation,
        kind: ExchangeKind,
        request: Option<Box<Observed<Request>>>,
        response: Option<Box<Observed<Response>>>,
    ) {
        let request_id = match correlation {
            Correlation::Id(id) if self.row.has_request_ids => Some(id),
            _ => None,
        };
        let carried = request.as_ref().and_then(|request| request.content.protocol);
        let carried = carried.or_else(|| response.as_ref().and_then(|response| response.content.protocol));
        reserve_one(self.exchanges);
        self.exchanges.push_back(Exchange {
            protocol: carried.unwrap_or(self.row.protocol),
            kind,
            request,
            response,
            request_id,
            is_reversed: self.is_reversed,
        });
    }
}

/// Most connections never have more than one request or exchange at a time: the first takes the room of one.
fn reserve_one<T>(queue: &mut VecDeque<T>) {
    if queue.capacity() == 0 {
        queue.reserve_exact(1);
    }
}

/// How many responses may wait for a request that was captured late.
const MAX_EARLY_RESPONSES: usize = 16;
/// How long a response waits for a request that was captured late.
const EARLY_WINDOW: Duration = Duration::from_secs(1);
/// How far the clocks of two packets of one connection may be apart: processors stamp them.
const CLOCK_TOLERANCE: Duration = Duration::from_millis(1);
