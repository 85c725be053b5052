//! The rule of every metric of a TCP flow, each from a small story.

mod story;

use std::time::Duration;

use df_flow::{Delay, DirectionCounters, DirectionEvidence, FlowConfig, FlowRecord};
use story::{Client, Server, Story, ms};

/// A story and a figure that its record must show.
struct Case {
    name: &'static str,
    tell: fn(&mut Story),
    figure: fn(&FlowRecord) -> u64,
    expected: u64,
}

fn check(cases: &[Case]) {
    for Case { name, tell, figure, expected } in cases {
        let mut story = Story::new();
        story.scale(Client, 2).scale(Server, 3).syn(Client).syn_ack().ack(Client);
        tell(&mut story);
        assert_eq!(figure(&story.record()), *expected, "{name}");
    }
}

macro_rules! case {
    ($name:literal, $story:ident => $tell:expr, $record:ident => $figure:expr, $expected:literal) => {
        Case {
            name: $name,
            tell: |$story| {
                $tell;
            },
            figure: |$record| u64::from($figure),
            expected: $expected,
        }
    };
}

#[test]
fn retransmissions() {
    check(&[
        case!("data again", s => s.says(Client, 100).repeats(Client), r => r.to_server.retransmissions, 1),
        case!("its bytes", s => s.says(Client, 100).repeats(Client), r => r.to_server.retransmitted_bytes, 100),
        case!("counted in l4_bytes", s => s.says(Client, 100).repeats(Client), r => r.to_server.l4_bytes, 200),
        case!("not the other end's", s => s.says(Client, 100).repeats(Client), r => r.to_client.retransmissions, 0),
        case!("of bytes that were acknowledged", s => s.says(Server, 100).ack(Client).repeats(Server),
            r => r.to_client.retransmissions, 1),
        case!("a FIN again", s => s.fin(Client).wait(ms(200)).fin_again(Client), r => r.to_server.retransmissions, 1),
        case!("an acknowledgment again is none", s => s.says(Server, 10).ack(Client).ack_again(Client),
            r => r.to_server.retransmissions, 0),
        case!("new bytes behind old ones are none", s => s.says(Client, 100).probes(Client, 50, 100),
            r => r.to_server.retransmissions, 0),
        case!("a late segment is none", s => s.says_unseen(Client, 50).says(Client, 50).probes(Client, 100, 50),
            r => r.to_server.retransmissions, 0),
        case!("a SYN-ACK again", s => s.syn_again(Server), r => r.handshake.syn_ack_retransmissions, 1),
        case!("and among the server's", s => s.syn_again(Server), r => r.to_client.retransmissions, 1),
    ]);
    let record = Story::new().syn_with_data(Client, 10).syn_with_data(Client, 10).record();
    assert_eq!(record.to_server.retransmissions, 1, "a SYN with data is one packet");
    let record = Story::new().syn(Client).syn_again(Client).syn_again(Client).record();
    assert_eq!((record.handshake.syn_count, record.handshake.syn_retransmissions), (3, 2));
    assert_eq!(record.to_server.retransmissions, 2);
}

#[test]
fn order_and_loss() {
    check(&[
        case!("a late segment is out of order",
            s => s.says_unseen(Client, 50).says(Client, 50).probes(Client, 100, 50), r => r.to_server.out_of_order, 1),
        case!("and not lost",
            s => s.says_unseen(Client, 50).says(Client, 50).probes(Client, 100, 50), r => r.to_server.lost_segments, 0),
        case!("a hole that the receiver has acknowledged is lost",
            s => s.says_unseen(Client, 50).ack(Server).says(Client, 50), r => r.to_server.lost_segments, 1),
        case!("with its bytes",
            s => s.says_unseen(Client, 50).ack(Server).says(Client, 50), r => r.to_server.lost_bytes, 50),
        case!("a hole that is there at the end is lost",
            s => s.says_unseen(Server, 70).says(Server, 10), r => r.to_client.lost_bytes, 70),
        case!("two holes",
            s => s.says_unseen(Server, 70).says(Server, 10).says_unseen(Server, 5).says(Server, 10),
            r => r.to_client.lost_segments, 2),
    ]);
}

#[test]
fn duplicate_acknowledgments() {
    check(&[
        case!("the same again while data is on its way",
            s => s.says(Server, 10).ack(Client).says_unseen(Server, 10).says(Server, 10)
                .ack_again(Client).says(Server, 10).ack_again(Client),
            r => r.to_server.duplicate_acknowledgments, 2),
        case!("not when nothing is on its way", s => s.says(Server, 10).ack(Client).ack_again(Client),
            r => r.to_server.duplicate_acknowledgments, 0),
        case!("not with another window",
            s => s.says(Server, 10).ack(Client).says(Server, 10).window(Client, 500).ack_again(Client),
            r => r.to_server.duplicate_acknowledgments, 0),
        case!("not with data",
            s => s.says(Server, 10).ack(Client).says(Server, 10).probes(Client, 0, 10),
            r => r.to_server.duplicate_acknowledgments, 0),
    ]);
    let mut one_sided = Story::in_mid_life();
    one_sided.says_unseen(Server, 10).ack(Client).ack_again(Client);
    assert_eq!(
        one_sided.record().to_server.duplicate_acknowledgments,
        1,
        "nothing is known of the other end"
    );
}

#[test]
fn windows() {
    check(&[
        case!("closed", s => s.says(Client, 10).window(Server, 0).ack(Server), r => r.to_client.zero_window, 1),
        case!("each packet counts", s => s.window(Server, 0).ack(Server).ack_again(Server),
            r => r.to_client.zero_window, 2),
        case!("a reset with no window closes none", s => s.window(Client, 0).rst(Client),
            r => r.to_server.zero_window, 0),
        case!("filled: 10 shifted by 3 bits holds 80 bytes",
            s => s.window(Server, 10).ack(Server).says(Client, 50).says(Client, 30), r => r.to_server.window_full, 1),
        case!("not filled", s => s.window(Server, 10).ack(Server).says(Client, 50).says(Client, 29),
            r => r.to_server.window_full, 0),
        case!("the client's shift", s => s.ack(Server), r => r.handshake.window_scale_client.unwrap_or(99), 2),
        case!("the server's shift", s => s.ack(Server), r => r.handshake.window_scale_server.unwrap_or(99), 3),
    ]);
    let one_sided = Story::new().scale(Client, 7).syn(Client).syn_ack().ack(Client).record();
    assert_eq!(one_sided.handshake.window_scale_client, None, "both must offer it (RFC 7323 §2.2)");
    let mut story = Story::new();
    story.window(Server, 100).syn(Client).syn_ack().ack(Client).says(Client, 60).says(Client, 40);
    assert_eq!(story.record().to_server.window_full, 1, "without an offer the window is as it says");
    let mut story = Story::in_mid_life();
    story.window(Server, 100).ack(Server).says(Client, 60).says(Client, 40);
    assert_eq!(story.record().to_server.window_full, 0, "without the SYNs it cannot be told");
    let unshifted = Story::new().syn(Client).syn_ack().ack(Client).record();
    assert_eq!(unshifted.handshake.window_scale_server, None);
}

#[test]
fn probes_are_no_data() {
    check(&[
        case!("a keep-alive of no byte", s => s.says(Client, 10).ack(Server).probes(Client, 1, 0),
            r => r.to_server.keep_alives, 1),
        case!("a keep-alive of one byte", s => s.says(Client, 10).ack(Server).probes(Client, 1, 1),
            r => r.to_server.keep_alives, 1),
        case!("is no retransmission", s => s.says(Client, 10).ack(Server).probes(Client, 1, 1),
            r => r.to_server.retransmissions, 0),
        case!("its answer is no duplicate",
            s => s.says(Client, 10).ack(Server).probes(Client, 1, 1).ack_again(Server),
            r => r.to_client.duplicate_acknowledgments, 0),
        case!("into a closed window", s => s.says(Client, 10).window(Server, 0).ack(Server).probes(Client, 1, 0),
            r => r.to_server.zero_window_probes, 1),
        case!("is not called a keep-alive", s => s.says(Client, 10).window(Server, 0).ack(Server).probes(Client, 1, 0),
            r => r.to_server.keep_alives, 0),
        case!("with a new byte, twice",
            s => s.says(Client, 10).window(Server, 0).ack(Server).probes(Client, 0, 1).probes(Client, 0, 1),
            r => r.to_server.zero_window_probes, 2),
        case!("and no retransmission",
            s => s.says(Client, 10).window(Server, 0).ack(Server).probes(Client, 0, 1).probes(Client, 0, 1),
            r => r.to_server.retransmissions, 0),
        case!("nor the beginning of a turn", s => s.says(Server, 10).ack(Client).wait(ms(500)).probes(Client, 1, 1),
            r => r.delays.cit.count, 0),
    ]);
}

#[test]
fn flags_are_counted() {
    check(&[
        case!("resets", s => s.says(Client, 10).rst(Server).rst(Server), r => r.to_client.resets, 2),
        case!("FINs", s => s.closes(), r => r.handshake.fin_count, 2),
        case!("SYNs", s => s.closes(), r => r.handshake.syn_count, 1),
        case!("SYN-ACKs", s => s.closes(), r => r.handshake.syn_ack_count, 1),
        case!("all flags of the client", s => s.says(Client, 1).closes(), r => r.to_server.tcp_flags.0, 0x13),
    ]);
}

#[test]
fn handshake_round_trips() {
    let record = Story::new().syn(Client).wait(ms(19)).syn_ack().wait(ms(9)).ack(Client).record();
    let handshake = record.handshake;
    assert_eq!((handshake.rtt_server, handshake.rtt_client), (Some(ms(20)), Some(ms(10))));
    assert_eq!(handshake.rtt, Some(ms(30)));
    let record = Story::new().syn(Client).wait(ms(999)).syn_again(Client).wait(ms(4)).syn_ack().record();
    assert_eq!(record.handshake.rtt_server, Some(ms(5)), "from the last SYN: the first was lost");
    assert_eq!((record.handshake.rtt_client, record.handshake.rtt), (None, None));
}

fn delay(milliseconds: &[u64]) -> Delay {
    let mut delay = Delay::default();
    for milliseconds in milliseconds {
        delay.add(ms(*milliseconds));
    }
    delay
}

#[test]
fn an_exchange_is_timed_by_turns() {
    let mut story = Story::established();
    // The client thinks, asks in two segments, the server acknowledges, works and answers in two; the client reads.
    story.wait(ms(99)).says(Client, 10).says(Client, 10).wait(ms(4)).ack(Server);
    story.wait(ms(29)).says(Server, 100).says(Server, 100).wait(ms(1)).ack(Client);
    story.wait(ms(199)).says(Client, 10).wait(ms(49)).says(Server, 10);
    let delays = story.record().delays;
    assert_eq!(delays.cit, delay(&[100, 202]), "from the handshake, then from the answer's last segment");
    assert_eq!(delays.art, delay(&[35, 50]), "from the question's last segment to the answer's first");
    assert_eq!(delays.srt, delay(&[5]), "the second question was acknowledged by its answer, which waited");
    assert_eq!(delays.srt_client, delay(&[2]), "the newest segment's");
    assert_eq!(delays.art.mean(), Some(Duration::from_micros(42_500)));
}

#[test]
fn what_came_twice_is_not_timed() {
    let mut story = Story::established();
    story.says(Client, 10).wait(ms(200)).repeats(Client).ack(Server).wait(ms(10)).says(Server, 10);
    let delays = story.record().delays;
    assert_eq!((delays.srt, delays.art), (Delay::default(), Delay::default()), "Karn's rule");
}

#[test]
fn nobody_is_waited_for_forever() {
    let mut story = Story::established();
    story.wait(Duration::from_secs(31)).says(Client, 10).wait(Duration::from_secs(11)).ack(Server);
    story.wait(Duration::from_secs(20)).says(Server, 10);
    let delays = story.record().delays;
    assert_eq!((delays.cit.count, delays.srt.count, delays.art.count), (0, 0, 0));
}

#[test]
fn a_server_that_speaks_first_does_not_answer() {
    let delays = Story::established().says(Server, 10).wait(ms(9)).says(Client, 10).record().delays;
    assert_eq!((delays.art, delays.cit), (Delay::default(), delay(&[10])));
}

#[test]
fn datagrams_take_turns_too() {
    let mut story = Story::new();
    let record =
        story.datagram(Client, 10).wait(ms(6)).datagram(Server, 10).wait(ms(1)).datagram(Client, 1).record();
    assert_eq!((record.delays.art, record.delays.cit), (delay(&[7]), delay(&[2])));
}

#[test]
fn an_echo_shows_how_long_the_system_takes() {
    let mut story = Story::new();
    story
        .echo(Client)
        .wait(ms(4))
        .echo(Server)
        .wait(ms(900))
        .echo(Client)
        .wait(ms(1_000))
        .echo(Client)
        .echo(Server);
    let delays = story.record().delays;
    assert_eq!((delays.srt, delays.art), (delay(&[5, 1]), Delay::default()), "from the newest request");
}

#[test]
fn nothing_is_lost_when_the_direction_turns_round() {
    let tell = |evidence: DirectionEvidence| {
        let mut story = Story::in_mid_life();
        story.ports(40_000, 50_000).says(Client, 10).repeats(Client).wait(ms(5)).ack(Server);
        story.says(Client, 5).wait(ms(5)).ack(Server).shows(evidence).says(Server, 30);
        story.window(Server, 0).ack_again(Server).wait(ms(8)).says(Client, 3);
        story.record()
    };
    let (straight, turned) = (tell(DirectionEvidence::Confirmed), tell(DirectionEvidence::Reversed));
    assert_eq!(straight.key, turned.key.reversed());
    assert_eq!((straight.to_server, straight.to_client), (turned.to_client, turned.to_server));
    assert_eq!((straight.delays.art, straight.delays.cit), (turned.delays.cit, turned.delays.art));
    assert_eq!(
        (straight.delays.srt, straight.delays.srt_client),
        (turned.delays.srt_client, turned.delays.srt)
    );
    assert_eq!((straight.to_server.retransmissions, straight.to_client.zero_window), (1, 1));
    assert!(straight.delays.art.count > 0 && straight.delays.cit.count > 0 && straight.delays.srt.count > 0);
}

#[test]
fn intervals_share_out_the_counts() {
    let mut config = FlowConfig::default();
    config.record_interval = Some(Duration::from_secs(5));
    let (mut whole, mut parts) = (Story::new(), Story::with(config));
    for story in [&mut whole, &mut parts] {
        story.syn(Client).syn_ack().ack(Client);
        for _ in 0..30 {
            story
                .wait(ms(700))
                .says(Client, 10)
                .repeats(Client)
                .wait(ms(20))
                .ack(Server)
                .wait(ms(30))
                .says(Server, 9);
            story.probes(Client, 1, 1).says_unseen(Server, 7).ack(Client).says(Server, 3);
        }
    }
    let (whole, parts) = (whole.all_records(), parts.all_records());
    assert!(whole.len() == 1 && parts.len() > 2);
    let sum = |figure: fn(&DirectionCounters) -> u64, records: &[FlowRecord]| -> u64 {
        records.iter().map(|record| figure(&record.to_server) + 1_000 * figure(&record.to_client)).sum()
    };
    let figures: [fn(&DirectionCounters) -> u64; 6] = [
        |counters| counters.packets,
        |counters| counters.l4_bytes,
        |counters| counters.retransmissions.into(),
        |counters| counters.retransmitted_bytes,
        |counters| counters.keep_alives.into(),
        |counters| counters.lost_bytes,
    ];
    for figure in figures {
        assert_eq!(sum(figure, &whole), sum(figure, &parts));
        assert!(sum(figure, &whole) > 0);
    }
    let cit: u64 = parts.iter().map(|record| record.delays.cit.sum_ns).sum();
    assert_eq!(whole[0].delays.cit.sum_ns, cit);
}

#[test]
fn a_flow_has_the_same_identifier_each_time() {
    let tell = || Story::established().says(Client, 10).closes().record().id;
    assert_eq!(tell(), tell());
    assert_ne!(tell(), Story::new().ports(40_001, 80).syn(Client).record().id);
}
