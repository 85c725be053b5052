//! Compares what was done with what was told.

use df_core::{SocketRole, StreamPosition, Transfer, Transport};

use crate::Outcome;
use crate::calls::Call;
use crate::watched::{Activity, Told};

/// Whether each call was told once, in order, at the right end, with the right bytes at the right place.
pub(crate) fn compare(calls: &[Call], told: &[Told], payload_bytes: usize) -> Outcome {
    let result = [false, true].into_iter().try_for_each(|is_server| {
        let told: Vec<&Told> = told.iter().filter(|told| told.is_server == is_server).collect();
        let calls: Vec<&Call> = calls.iter().filter(|call| call.is_server == is_server).collect();
        compare_calls(&calls, &told, payload_bytes)?;
        compare_socket(&told, is_server)
    });
    match result.and_then(|()| compare_streams(told)) {
        Ok(()) => Outcome::Passed(format!("{} calls", calls.len())),
        Err(difference) => Outcome::Failed(difference),
    }
}

fn compare_calls(calls: &[&Call], told: &[&Told], payload_bytes: usize) -> Result<(), String> {
    let moved: Vec<&Call> = told.iter().filter_map(|told| moved(told)).map(|(call, _)| call).collect();
    for (place, call) in calls.iter().enumerate() {
        let expected =
            Call { bytes: call.bytes.iter().take(payload_bytes).copied().collect(), ..Call::clone(call) };
        match moved.get(place) {
            Some(moved) if **moved == expected => (),
            Some(moved) => return Err(format!("done: {}; told: {}", brief(&expected), brief(moved))),
            None => return Err(format!("not told: {}", brief(&expected))),
        }
    }
    match moved.get(calls.len()) {
        Some(surplus) => Err(format!("told and not done: {}", brief(surplus))),
        None => Ok(()),
    }
}

/// What is told of the socket beside its bytes.
fn compare_socket(told: &[&Told], is_server: bool) -> Result<(), String> {
    let role = if is_server { SocketRole::Server } else { SocketRole::Client };
    if let Some(told) = told.iter().find(|told| moved(told).is_some() && told.socket.role != role) {
        return Err(format!("{told:?} is of the {role:?}"));
    }
    if told.iter().any(|told| told.socket.transport == Transport::Udp) {
        return Ok(());
    }
    let ends = |activity: &Activity| !matches!(activity, Activity::Moved { .. });
    let turns: Vec<&Activity> = told.iter().map(|told| &told.activity).filter(|turn| ends(turn)).collect();
    let is_whole = matches!(told.first().map(|told| &told.activity), Some(Activity::Opened))
        && matches!(told.last().map(|told| &told.activity), Some(Activity::Closed));
    if is_whole && turns.len() == 2 { Ok(()) } else { Err(format!("opened and closed: {turns:?}")) }
}

/// What one end sends the other receives: from the same sequence number on, without a hole, to the same one.
fn compare_streams(told: &[Told]) -> Result<(), String> {
    let range = |is_server, transfer| range(told, is_server, transfer);
    for (sender, receiver) in [(false, true), (true, false)] {
        let (sent, received) = (range(sender, Transfer::Sent)?, range(receiver, Transfer::Received)?);
        if sent != received {
            return Err(format!("sequence numbers: sent {sent:?}, received {received:?}"));
        }
    }
    Ok(())
}

/// The first sequence number and the one after the last; None for datagrams.
fn range(told: &[Told], is_server: bool, transfer: Transfer) -> Result<Option<(u32, u32)>, String> {
    let mut range: Option<(u32, u32)> = None;
    let of_end = told.iter().filter(|told| told.is_server == is_server);
    for (call, position) in of_end.filter_map(moved).filter(|(call, _)| call.transfer == transfer) {
        let StreamPosition::Tcp(start) = position else { continue };
        let end = start.wrapping_add(u32::try_from(call.original_len).unwrap_or(u32::MAX));
        match range {
            Some((_, expected)) if expected != start => {
                return Err(format!("{} stands at {start}, expected {expected}", brief(call)));
            }
            _ => range = Some((range.map_or(start, |range| range.0), end)),
        }
    }
    Ok(range)
}

fn moved(told: &Told) -> Option<(&Call, StreamPosition)> {
    match &told.activity {
        Activity::Moved { call, position } => Some((call, *position)),
        _ => None,
    }
}

fn brief(call: &Call) -> String {
    let text: String = String::from_utf8_lossy(&call.bytes).chars().take(24).collect();
    let (function, transfer, length) = (&call.function, call.transfer, call.original_len);
    format!("{function} {transfer:?} {} of {length} bytes, {text:?}", call.bytes.len())
}
