//! The account of fragments: whole, repeated, refused, given up.

use super::*;

const KEY: FragmentKey = FragmentKey {
    source: IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)),
    destination: IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)),
    identification: 7,
    protocol: 17,
    interface: InterfaceId(0),
    vlan: VlanTags { outer: None, inner: None },
    virtual_network: None,
};

fn key(identification: u32) -> FragmentKey {
    FragmentKey { identification, ..KEY }
}

/// A fragment of consecutive letters, so that the place of each byte shows.
fn fragment(offset: u32, len: u32, has_more: bool) -> Fragment<'static> {
    let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let place = |offset: u32| usize::try_from(offset).unwrap_or_default();
    Fragment {
        timestamp: Timestamp::from_nanos(1),
        offset,
        has_more,
        protocol: if offset == 0 { 17 } else { 99 },
        bytes: letters.get(place(offset)..place(offset + len)).unwrap_or(letters),
        wire_len: len,
        ip_len: len + 20,
        frame_len: len + 34,
    }
}

fn at(seconds: u64, fragment: Fragment<'_>) -> Fragment<'_> {
    Fragment { timestamp: Timestamp::from_parts(seconds, 0), ..fragment }
}

fn small() -> Defragmenter {
    let timeout = Duration::from_secs(30);
    Defragmenter::new(FragmentConfig {
        max_datagrams: 2,
        max_total_bytes: 64 << 10,
        max_fragments: 4,
        timeout,
    })
}

/// Gives fragments of one datagram and what came of the last of them.
fn handle(defragmenter: &mut Defragmenter, fragments: &[Fragment<'_>]) -> Option<(Whole, String)> {
    let mut room = b"left over".to_vec();
    let mut last = None;
    for fragment in fragments {
        last = defragmenter.handle_fragment(KEY, fragment, &mut room);
    }
    last.map(|whole| (whole, String::from_utf8(room).unwrap_or_default()))
}

#[track_caller]
fn assert_account(defragmenter: &Defragmenter, expected: FragmentStats) {
    let stats = defragmenter.stats();
    assert_eq!(stats, expected);
    assert_eq!(stats.fragments, stats.reassembled + stats.dropped() + stats.held());
    let held: usize =
        defragmenter.pending.values().map(|one| one.held_bytes() + Pending::OVERHEAD_BYTES).sum();
    assert_eq!(defragmenter.total_bytes, held, "every byte taken is given back");
}

#[test]
fn fragments_in_any_order_make_the_datagram() {
    let parts = [fragment(0, 16, true), fragment(16, 8, true), fragment(24, 5, false)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut defragmenter = small();
        let (whole, bytes) = handle(&mut defragmenter, &order.map(|index: usize| parts[index]))
            .unwrap_or_else(|| {
                panic!("{order:?} is whole");
            });
        assert_eq!(bytes, "abcdefghijklmnopqrstuvwxyzABC");
        let expected =
            Whole { protocol: 17, wire_len: 29, ip_len: 29 + 60, fragments: 3, frame_len: 29 + 102 };
        assert_eq!(whole, expected);
        let stats = FragmentStats { fragments: 3, datagrams: 1, reassembled: 3, ..FragmentStats::default() };
        assert_account(&defragmenter, stats);
        assert_eq!(defragmenter.total_bytes, 0);
    }
}

#[test]
fn an_exact_repetition_is_counted_and_changes_nothing_else() {
    let mut defragmenter = small();
    let first = fragment(0, 16, true);
    let (whole, bytes) =
        handle(&mut defragmenter, &[first, first, fragment(16, 4, false)]).unwrap_or_else(|| {
            panic!("it is whole");
        });
    assert_eq!((whole.fragments, whole.wire_len, bytes.as_str()), (3, 20, "abcdefghijklmnopqrst"));
    assert_eq!(defragmenter.stats().reassembled, 3);
}

#[test]
fn what_overlaps_or_contradicts_is_refused_with_all_that_follows() {
    let changed = Fragment { bytes: b"ABCDEFGHIJKLMNOP", ..fragment(0, 16, true) };
    for (name, second) in [
        ("the same place, other bytes", changed),
        ("the same start, longer", fragment(0, 24, true)),
        ("the same start, shorter", fragment(0, 8, true)),
        ("into the one before", fragment(8, 16, true)),
        ("an end before bytes that came", fragment(8, 4, false)),
    ] {
        let mut defragmenter = small();
        let third = fragment(16, 8, false);
        assert_eq!(handle(&mut defragmenter, &[fragment(0, 16, true), second, third]), None, "{name}");
        assert_account(&defragmenter, FragmentStats { fragments: 3, refused: 3, ..FragmentStats::default() });
    }
    let mut defragmenter = small();
    let behind_the_end = [fragment(0, 8, true), fragment(16, 8, false), fragment(24, 8, true)];
    assert_eq!(handle(&mut defragmenter, &behind_the_end), None);
    assert_eq!(defragmenter.stats().refused, 3);
    let mut defragmenter = small();
    let too_many = [0, 8, 16, 24, 32].map(|offset| fragment(offset, 8, true));
    assert_eq!(handle(&mut defragmenter, &too_many), None);
    assert_eq!(defragmenter.stats().refused, 5);
}

#[test]
fn malformed_places_are_dropped_alone() {
    let mut defragmenter = small();
    let malformed = [
        fragment(0, 0, true),
        fragment(0, 12, true),
        Fragment { offset: 65_528, wire_len: 16, ..fragment(0, 16, true) },
        Fragment { offset: u32::MAX, ..fragment(0, 16, true) },
    ];
    assert_eq!(handle(&mut defragmenter, &malformed), None);
    assert_account(&defragmenter, FragmentStats { fragments: 4, malformed: 4, ..FragmentStats::default() });
    assert!(handle(&mut defragmenter, &[fragment(0, 8, true), fragment(8, 1, false)]).is_some());
}

#[test]
fn what_was_not_captured_ends_the_bytes_and_not_the_datagram() {
    let mut defragmenter = small();
    let cut = Fragment { bytes: b"abcd", ..fragment(0, 16, true) };
    let (whole, bytes) =
        handle(&mut defragmenter, &[cut, fragment(16, 8, false)]).unwrap_or_else(|| panic!("it is whole"));
    assert_eq!((whole.wire_len, bytes.as_str()), (24, "abcd"));
}

#[test]
fn a_datagram_has_its_time() {
    let mut defragmenter = small();
    assert_eq!(
        handle(&mut defragmenter, &[at(100, fragment(0, 8, true)), at(129, fragment(8, 8, true))]),
        None
    );
    assert_eq!(handle(&mut defragmenter, &[at(130, fragment(16, 8, false))]), None);
    let stats = FragmentStats { fragments: 3, timed_out: 2, ..FragmentStats::default() };
    assert_account(&defragmenter, stats);
    assert_eq!(defragmenter.stats().held(), 1);
    // A clock that goes back neither ends nor revives anything.
    assert_eq!(handle(&mut defragmenter, &[at(90, fragment(0, 8, true))]), None);
    assert!(handle(&mut defragmenter, &[at(131, fragment(8, 8, true))]).is_some());
}

#[test]
fn the_oldest_gives_way_when_there_are_too_many_or_too_much() {
    let mut room = Vec::new();
    let mut defragmenter = small();
    for identification in 1..=5 {
        defragmenter.handle_fragment(key(identification), &fragment(0, 8, true), &mut room);
    }
    assert_account(&defragmenter, FragmentStats { fragments: 5, evicted: 3, ..FragmentStats::default() });
    assert!(defragmenter.handle_fragment(key(5), &fragment(8, 8, false), &mut room).is_some());
    let large = vec![0; 40_000];
    let first = Fragment { bytes: &large, wire_len: 40_000, ..fragment(0, 8, true) };
    defragmenter.handle_fragment(key(6), &first, &mut room);
    defragmenter.handle_fragment(key(7), &first, &mut room);
    assert!(defragmenter.total_bytes <= 64 << 10);
    assert_eq!(defragmenter.stats().evicted, 5);
}

#[test]
fn datagrams_that_become_whole_leave_nothing_behind() {
    let mut room = Vec::new();
    let mut defragmenter = small();
    defragmenter.handle_fragment(key(0), &fragment(0, 8, true), &mut room);
    for identification in 1..1_000 {
        defragmenter.handle_fragment(key(identification), &fragment(0, 8, true), &mut room);
        assert!(
            defragmenter.handle_fragment(key(identification), &fragment(8, 8, false), &mut room).is_some()
        );
    }
    assert!(defragmenter.order.len() <= 8, "{} places", defragmenter.order.len());
    assert_eq!(defragmenter.stats().held(), 1);
}
