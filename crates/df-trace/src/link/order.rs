//! The order of the observations of one call, from client to server.

use std::cmp::Reverse;

use super::Observation;

/// Sorts the observations of one call from client to server.
///
/// The nearer to the client, the longer a call takes: the request passes there first and the response last. A duration
/// is immune to clocks that differ, so it decides where all have one; else the moment of the message that all have
/// seen. Equal times leave it to the observation point. If times would put a point on the server's side above one on the
/// client's side, they are not to be trusted, and the points decide first.
pub(super) fn from_client_to_server(call: &mut [&Observation]) {
    let by_time = Criterion::of(call);
    call.sort_by_cached_key(|member| {
        (by_time.key(member), member.place.observation_point.rank(), tie(member))
    });
    if !sides_are_in_order(call) {
        call.sort_by_key(|member| member.place.observation_point.rank());
    }
}

/// What of time decides.
#[derive(Clone, Copy)]
enum Criterion {
    Duration,
    Request,
    Response,
    Nothing,
}

impl Criterion {
    fn of(call: &[&Observation]) -> Self {
        if call.iter().all(|member| member.exchange.duration().is_some()) {
            return Self::Duration;
        }
        if call.iter().all(|member| member.exchange.request.is_some()) {
            return Self::Request;
        }
        if call.iter().all(|member| member.exchange.response.is_some()) {
            return Self::Response;
        }
        Self::Nothing
    }

    /// Small for those near the client.
    fn key(self, member: &Observation) -> u128 {
        let exchange = &member.exchange;
        match self {
            Self::Duration => u128::MAX - exchange.duration().unwrap_or_default().as_nanos(),
            Self::Request => u128::from(exchange.start().as_nanos()),
            Self::Response => u128::MAX - exchange.end().map_or(0, |end| u128::from(end.as_nanos())),
            Self::Nothing => 0,
        }
    }
}

/// Earlier start, later end, then an order without meaning.
fn tie(member: &Observation) -> impl Ord + use<> {
    (member.exchange.start(), Reverse(member.exchange.end()), member.place.arbitrary_order())
}

fn sides_are_in_order(call: &[&Observation]) -> bool {
    let points = call.iter().map(|member| member.place.observation_point);
    points.skip_while(|point| !point.is_server_side()).all(|point| !point.is_client_side())
}
