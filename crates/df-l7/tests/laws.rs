//! The laws that hold for every protocol, tried on conversations that were recorded from real servers and clients.

use std::sync::Arc;

use df_core::Transport;
use df_l7::fuzzing::{Observation, Pair, Piece, observe, split};
use df_l7::{Connection, ConnectionConfig, protocols::PROTOCOLS};
use proptest::prelude::*;

mod recordings;

use recordings::{CASES, CONVERSATIONS, Conversation, Recorded, conversations_of};

fn run(conversation: &Conversation, pieces: &[Piece]) -> Observation {
    let config = ConnectionConfig::default();
    let connection = Connection::new(conversation.key.transport, Arc::new(config.clone()))
        .with_ports(conversation.key.client.port, conversation.key.server.port);
    observe(connection, pieces, &config)
}

/// The same where the protocol is known beforehand, so that a damaged beginning does not hide the rest.
fn run_as_known(conversation: &Conversation, pieces: &[Piece]) -> Observation {
    let config = ConnectionConfig::default();
    let folder = conversation.case.split('/').next();
    let carrier = if folder == Some("grpc") { Some("http2") } else { folder };
    let row = PROTOCOLS.iter().find(|row| Some(row.protocol.name()) == carrier);
    assert!(row.is_some(), "{} is named after no protocol", conversation.case);
    let connection = Connection::new(conversation.key.transport, Arc::new(config.clone()));
    observe(row.into_iter().fold(connection, Connection::with_protocol), pieces, &config)
}

#[test]
fn exchanges_do_not_depend_on_how_the_stream_is_cut() {
    for conversation in
        CONVERSATIONS.iter().filter(|conversation| conversation.key.transport == Transport::Tcp)
    {
        let whole = run(conversation, &conversation.pieces);
        for len in [1, 2, 3, 5, 17, 100, 1_000] {
            let cut = run(conversation, &split(&conversation.pieces, len));
            assert_eq!(whole.exchanges, cut.exchanges, "{} in pieces of {len}", conversation.case);
        }
    }
}

#[test]
fn exchanges_do_not_depend_on_order_and_repetition_of_segments() {
    for case in CASES.iter() {
        let exchanges = |frames: &[Recorded]| -> Vec<String> {
            let conversations = conversations_of(case, frames);
            conversations
                .iter()
                .flat_map(|conversation| run(conversation, &conversation.pieces).exchanges)
                .collect()
        };
        let expected = exchanges(&case.frames);
        let times = |frame: &Recorded| if frame.is_tcp_data() { 2 } else { 1 };
        let repeat = |frame: &Recorded| std::iter::repeat_n(frame.clone(), times(frame));
        let repeated: Vec<Recorded> = case.frames.iter().flat_map(repeat).collect();
        assert_eq!(expected, exchanges(&repeated), "{} with every segment twice", case.name);
        assert_eq!(expected, exchanges(&swapped(&case.frames)), "{} with neighbours swapped", case.name);
    }
}

/// Segments that follow each other in one direction change places. A connection joined in mid-life cannot know that its
/// first segment was not the first, so only those after a SYN are touched.
fn swapped(frames: &[Recorded]) -> Vec<Recorded> {
    let has_syn = frames.first().and_then(Recorded::packet).is_some_and(|packet| packet.payload_len == 0);
    let mut swapped = frames.to_vec();
    let mut place = 1;
    while has_syn && place < swapped.len() {
        if swapped[place - 1].goes_the_same_way_as(&swapped[place]) {
            swapped.swap(place - 1, place);
            place += 1;
        }
        place += 1;
    }
    swapped
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// A lost range degrades what it touches: nothing is invented, and identifiers never pair wrongly.
    #[test]
    fn a_gap_invents_nothing(from in 0.0_f64..1.0, share in 0.001_f64..0.5, len in 20_usize..1_200) {
        for conversation in CONVERSATIONS.iter() {
            check_gap(conversation, (from, share, len));
        }
    }

    /// Whatever is changed on the way, cut or lost: nothing panics, every bound holds and every byte is accounted for.
    #[test]
    fn damage_is_survived(
        flips in prop::collection::vec((0.0_f64..1.0, any::<u8>()), 1..8),
        (from, share) in (0.0_f64..1.0, 0.0_f64..0.1),
        len in 1_usize..200,
    ) {
        for conversation in CONVERSATIONS.iter() {
            let mut pieces = split(&conversation.pieces, len);
            for (place, byte) in &flips {
                damage(&mut pieces, *place, *byte);
            }
            run_as_known(conversation, &lose(&pieces, from, share));
        }
    }

    /// A snap length never makes more exchanges than there were messages.
    #[test]
    fn a_snap_length_degrades(len in 1_usize..300) {
        for conversation in CONVERSATIONS.iter() {
            let whole = run(conversation, &conversation.pieces);
            let mut pieces = conversation.pieces.clone();
            for piece in &mut pieces {
                piece.truncated += piece.bytes.len().saturating_sub(len);
                piece.bytes.truncate(len);
            }
            let cut = run(conversation, &pieces);
            prop_assert!(cut.exchanges.len() <= 2 * whole.exchanges.len() + 2, "{}", conversation.case);
        }
    }
}

/// Gaps that once invented something.
#[test]
fn gaps_invent_nothing_any_more() {
    let rows = [("fastcgi/php", (0.171_816_453_501_164_92, 0.001, 28))];
    for (case, gap) in rows {
        let conversations = CONVERSATIONS.iter().filter(|conversation| conversation.case.ends_with(case));
        let checked = conversations.map(|conversation| check_gap(conversation, gap)).count();
        assert!(checked > 0, "{case} is not there");
    }
}

/// What is found of a conversation cut into pieces of `len` bytes, without `share` of it behind `from`.
fn check_gap(conversation: &Conversation, (from, share, len): (f64, f64, usize)) {
    let whole = run(conversation, &conversation.pieces);
    let is_stream = conversation.key.transport == Transport::Tcp;
    let pieces = if is_stream { split(&conversation.pieces, len) } else { conversation.pieces.clone() };
    let found = run(conversation, &lose(&pieces, from, share));
    let (found_count, whole_count) = (found.exchanges.len(), whole.exchanges.len());
    let case = &conversation.case;
    assert!(found_count <= 2 * whole_count + 2, "{case}: {found_count} exchanges of {whole_count}");
    if whole.exchanges.iter().all(|text| text.contains("request_id: Some")) {
        let is_true = |pair: &&Pair| whole.pairs.iter().any(|other| pair.is_part_of(other));
        let invented = found.pairs.iter().find(|pair| !is_true(pair));
        assert!(invented.is_none(), "{case}: {invented:?}");
    }
}

/// Changes one byte of a conversation.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small counts"
)]
fn damage(pieces: &mut [Piece], place: f64, byte: u8) {
    let all: usize = pieces.iter().map(|piece| piece.bytes.len()).sum();
    let mut place = (place * all as f64) as usize;
    for piece in pieces {
        if let Some(hit) = piece.bytes.get_mut(place) {
            *hit = byte;
            return;
        }
        place -= piece.bytes.len();
    }
}

/// Takes a range of pieces out of a conversation.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small counts"
)]
fn lose(pieces: &[Piece], from: f64, share: f64) -> Vec<Piece> {
    let first = (from * pieces.len() as f64) as usize;
    let last = first + 1 + (share * pieces.len() as f64) as usize;
    let mut owed = [0, 0];
    let mut kept = Vec::new();
    for (place, piece) in pieces.iter().enumerate() {
        let missing: &mut usize = &mut owed[piece.direction.index()];
        if (first..last).contains(&place) {
            *missing += piece.lost + piece.bytes.len() + piece.truncated;
        } else {
            kept.push(Piece { lost: piece.lost + std::mem::take(missing), ..piece.clone() });
        }
    }
    kept
}
