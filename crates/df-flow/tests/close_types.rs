//! Every close type, each from the shortest story that has it.

mod story;

use std::collections::HashSet;
use std::time::Duration;

use df_core::{SctpChunks, Transport};
use df_flow::CloseType::{self, *};
use df_flow::{DirectionEvidence, FlowConfig, FlowEndReason, L7Counts};
use story::{Client, Server, Story, ms};

/// A story and how it ends.
struct Case {
    name: &'static str,
    tell: fn(&mut Story),
    close_type: CloseType,
}

const fn case(name: &'static str, close_type: CloseType, tell: fn(&mut Story)) -> Case {
    Case { name, tell, close_type }
}

/// Told from the first packet on; then an hour of silence.
#[rustfmt::skip]
const CASES: &[Case] = &[
    case("both ends close", Finish, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10).says(Server, 20).closes();
    }),
    case("the server closes first", Finish, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10).fin(Server).fin(Client).ack(Server);
    }),
    case("a server resets what both have closed", Finish, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10).fin(Client).fin(Server).rst(Server);
    }),
    case("the server aborts a transfer", TcpServerRst, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10).rst(Server);
    }),
    case("the server resets instead of closing", TcpServerRst, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10).fin(Client).rst(Server);
    }),
    case("a connection met in mid-life is reset by its server", TcpServerRst, |story| {
        story.says(Client, 10).rst(Server);
    }),
    case("the client aborts a transfer", TcpClientRst, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10).says(Server, 20).rst(Client);
    }),
    case("silence", Timeout, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10).says(Server, 20);
    }),
    case("silence right after the handshake", Timeout, |story| {
        story.syn(Client).syn_ack().ack(Client);
    }),
    case("acknowledgments alone, then silence", Timeout, |story| {
        story.ack(Client).ack(Server);
    }),
    case("a refused connection", ServerReset, |story| {
        story.syn(Client).rst(Server);
    }),
    case("a client that asks again after a refusal", ServerReset, |story| {
        story.syn(Client).rst(Server).wait(ms(500)).syn_again(Client).rst(Server);
    }),
    case("and is accepted", Finish, |story| {
        story.syn(Client).rst(Server).wait(ms(500)).syn_again(Client).syn_ack().ack(Client).closes();
    }),
    case("a SYN without an answer", ClientSynRepeat, |story| {
        story.syn(Client);
    }),
    case("SYNs without an answer", ClientSynRepeat, |story| {
        story.syn(Client).wait(ms(1_000)).syn_again(Client).wait(ms(2_000)).syn_again(Client);
    }),
    case("a SYN-ACK that nobody acknowledges", ServerSynAckRepeat, |story| {
        story.syn(Client).syn_ack().wait(ms(1_000)).syn_again(Server);
    }),
    case("only the client closes", ServerHalfClose, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10).says(Server, 10).fin(Client).ack(Server);
    }),
    case("only the server closes", ClientHalfClose, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10).says(Server, 10).fin(Server).ack(Client);
    }),
    case("the server still has an older connection on this port", ClientSourcePortReuse, |story| {
        story.syn(Client).challenge();
    }),
    case("and the client clears it away", ClientSourcePortReuse, |story| {
        story.syn(Client).challenge().rst(Client);
    }),
    case("and connects at last", Finish, |story| {
        story.syn(Client).challenge().rst(Client).syn_again(Client).syn_ack().ack(Client).says(Client, 10).closes();
    }),
    case("a handshake captured twice", TcpServerRst, |story| {
        story.syn(Client).syn_ack().ack(Client).syn_again(Client).syn_again(Server).ack_again(Client);
        story.says(Client, 10).rst(Server);
    }),
    case("a full accept queue", ServerQueueLack, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10);
        story.wait(ms(1_000)).syn_again(Server).ack_again(Client).wait(ms(2_000)).syn_again(Server).ack_again(Client);
    }),
    case("a full accept queue, until the server gives up", ServerQueueLack, |story| {
        story.syn(Client).syn_ack().ack(Client).wait(ms(1_000)).syn_again(Server).ack_again(Client);
        story.says(Client, 10).rst(Server);
    }),
    case("a full accept queue, until the client gives up", ServerQueueLack, |story| {
        story.syn(Client).syn_ack().ack(Client).wait(ms(1_000)).syn_again(Server).ack_again(Client).fin(Client);
    }),
    case("a queue that was full for a moment", Finish, |story| {
        story.syn(Client).syn_ack().ack(Client).wait(ms(1_000)).syn_again(Server).ack_again(Client);
        story.ack(Server).says(Client, 10).says(Server, 10).closes();
    }),
    case("a SYN-ACK captured twice", Finish, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10).says(Server, 10).syn_again(Server).closes();
    }),
    case("a client that gives up its SYN", ClientEstablishReset, |story| {
        story.syn(Client).rst(Client);
    }),
    case("a scan: the client resets the answer to its SYN", ClientEstablishReset, |story| {
        story.syn(Client).syn_ack().rst(Client);
    }),
    case("the server takes its SYN-ACK back", ServerEstablishReset, |story| {
        story.syn(Client).syn_ack().rst(Server);
    }),
    case("a health check", TcpFinClientRst, |story| {
        story.syn(Client).syn_ack().ack(Client).rst(Client);
    }),
    case("a client that closes with FIN and RST", TcpFinClientRst, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10).says(Server, 20).fin(Client).rst(Client);
    }),
    case("a client that answers a FIN with a RST", TcpFinClientRst, |story| {
        story.syn(Client).syn_ack().ack(Client).says(Client, 10).says(Server, 20).fin(Server).rst(Client);
    }),
    case("the SYN-ACK was not captured", Finish, |story| {
        story.syn(Client).ack(Client).says(Client, 10).ack(Server).closes();
    }),
];

#[test]
fn every_story_ends_as_it_should() {
    for Case { name, tell, close_type } in CASES.iter().chain(ASSOCIATIONS) {
        let mut story = Story::new();
        tell(&mut story);
        let record = story.record_after_silence();
        assert_eq!(record.close_type, *close_type, "{name}");
        assert!(record.is_final, "{name}");
    }
}

#[test]
fn every_close_type_has_a_story() {
    let told: HashSet<_> = CASES.iter().map(|case| case.close_type).collect();
    let elsewhere = [Unknown, ForcedReport];
    let missing: Vec<_> =
        CloseType::ALL.into_iter().filter(|one| !told.contains(one) && !elsewhere.contains(one)).collect();
    assert_eq!(missing, []);
    let names: HashSet<_> = CloseType::ALL.into_iter().map(CloseType::name).collect();
    assert_eq!(names.len(), CloseType::ALL.len());
}

#[test]
fn a_connection_that_outlives_the_capture_is_reported_and_nothing_more() {
    let record = Story::established().says(Client, 10).record();
    assert_eq!((record.close_type, record.end_reason), (ForcedReport, Some(FlowEndReason::ForcedEnd)));
}

#[test]
fn a_report_at_an_interval_is_no_end() {
    let mut config = FlowConfig::default();
    config.record_interval = Some(Duration::from_secs(10));
    let mut story = Story::with(config);
    story.syn(Client).syn_ack().ack(Client);
    for _ in 0..9 {
        story.wait(Duration::from_secs(4)).says(Client, 10).says(Server, 10);
    }
    let records = story.closes().all_records();
    let (last, reports) = records.split_last().unwrap();
    assert_eq!((last.close_type, last.is_final), (Finish, true));
    assert!(reports.len() >= 2, "36 seconds hold several intervals");
    assert!(reports.iter().all(|record| record.close_type == ForcedReport && !record.is_final));
    let ids: HashSet<_> = records.iter().map(|record| record.id).collect();
    assert_eq!(ids.len(), 1, "all are of one flow");
}

#[test]
fn flags_that_mean_nothing_tell_nothing() {
    // The second half of a scan without flags: neither SYN nor ACK.
    let record = Story::new().probes_without_flags(Client).record_after_silence();
    assert_eq!(record.close_type, Unknown);
}

#[test]
fn a_client_that_resets_after_good_answers_has_ended_in_its_own_way() {
    let record = Story::established().says(Client, 10).says(Server, 20).rst(Client).record();
    assert_eq!(record.close_type, TcpClientRst);
    let mut counts = L7Counts::default();
    (counts.request, counts.response) = (1, 1);
    assert_eq!(record.clone().with_l7(counts).close_type, TcpFinClientRst);
    counts.server_error = 1;
    assert_eq!(record.with_l7(counts).close_type, TcpClientRst);
}

#[test]
fn blame_turns_round_with_the_direction() {
    // Met in mid-life, and believed to be the other way round until the protocol shows who asks.
    let mut story = Story::in_mid_life();
    let record =
        story.says(Client, 10).shows(DirectionEvidence::Reversed).says(Server, 10).fin(Client).record();
    assert_eq!((record.key.server.port, record.close_type), (40_000, ClientHalfClose));
}

#[test]
fn a_datagram_flow_that_falls_silent_is_finished() {
    let record = Story::new().datagram(Client, 5).datagram(Server, 7).record_after_silence();
    assert_eq!((record.close_type, record.end_reason), (Finish, Some(FlowEndReason::IdleTimeout)));
}

/// SCTP associations end in the same words.
#[rustfmt::skip]
const ASSOCIATIONS: &[Case] = &[
    case("both ends shut down", Finish, |story| {
        story.chunks(Client, INIT).chunks(Server, INIT_ACK).chunks(Client, COOKIE_ECHO).chunks(Server, COOKIE_ACK);
        story.chunks(Client, DATA).chunks(Server, DATA).chunks(Client, SHUTDOWN).chunks(Server, SHUTDOWN_ACK);
        story.chunks(Client, SctpChunks::SHUTDOWN_COMPLETE);
    }),
    case("no answer", ClientSynRepeat, |story| {
        story.chunks(Client, INIT).chunks(Client, INIT);
    }),
    case("refused", ServerReset, |story| {
        story.chunks(Client, INIT).chunks(Server, SctpChunks::ABORT);
    }),
    case("half open", ServerSynAckRepeat, |story| {
        story.chunks(Client, INIT).chunks(Server, INIT_ACK);
    }),
    case("the server aborts", TcpServerRst, |story| {
        story.chunks(Client, DATA).chunks(Server, DATA).chunks(Server, SctpChunks::ABORT);
    }),
    case("the client aborts", TcpClientRst, |story| {
        story.chunks(Client, DATA).chunks(Server, DATA).chunks(Client, SctpChunks::ABORT);
    }),
    case("only the client shuts down", ServerHalfClose, |story| {
        story.chunks(Client, DATA).chunks(Server, DATA).chunks(Client, SHUTDOWN);
    }),
    case("silence", Timeout, |story| {
        story.chunks(Client, DATA).chunks(Server, DATA);
    }),
];

const DATA: SctpChunks = SctpChunks::DATA;
const INIT: SctpChunks = SctpChunks::INIT;
const INIT_ACK: SctpChunks = SctpChunks::INIT_ACK;
const SHUTDOWN: SctpChunks = SctpChunks::SHUTDOWN;
const SHUTDOWN_ACK: SctpChunks = SctpChunks::SHUTDOWN_ACK;
const COOKIE_ECHO: SctpChunks = SctpChunks(1 << 10);
const COOKIE_ACK: SctpChunks = SctpChunks(1 << 11);

#[test]
fn what_nobody_takes_is_refused() {
    let udp = Story::new().datagram(Client, 5).unreachable(3, Transport::Udp).all_records();
    assert_eq!((udp[0].close_type, udp[0].to_server.icmp_errors), (ServerReset, 1), "no such port");
    let tcp = Story::new().syn(Client).unreachable(13, Transport::Tcp).all_records();
    assert_eq!(tcp[0].close_type, ServerReset, "a firewall that says so");
    let lost = Story::new().syn(Client).unreachable(1, Transport::Tcp).all_records();
    assert_eq!(
        (lost[0].close_type, lost[0].last_icmp_error),
        (ClientSynRepeat, Some((3, 1))),
        "no way there"
    );
    let mut story = Story::new();
    let answered =
        story.datagram(Client, 5).datagram(Server, 5).datagram(Client, 5).unreachable(3, Transport::Udp);
    assert_eq!(answered.all_records()[0].close_type, Finish, "it was there");
}

#[test]
fn each_state_has_its_own_patience() {
    let lasts = |tell: fn(&mut Story), seconds: u64| {
        let mut story = Story::new();
        tell(&mut story);
        // A straggler that comes too late is a flow of its own.
        story.wait(Duration::from_secs(seconds)).ack_again(Client).all_records().len() == 1
    };
    let opening: fn(&mut Story) = |story| {
        story.syn(Client);
    };
    let established: fn(&mut Story) = |story| {
        story.syn(Client).syn_ack().ack(Client);
    };
    let half_closed: fn(&mut Story) = |story| {
        story.syn(Client).syn_ack().ack(Client).fin(Server);
    };
    let closed: fn(&mut Story) = |story| {
        story.syn(Client).syn_ack().ack(Client).closes();
    };
    let met_before_its_handshake: fn(&mut Story) = |story| {
        story.probes_without_flags(Client).syn_ack();
    };
    for (state, seconds) in
        [(opening, 35), (met_before_its_handshake, 35), (established, 300), (half_closed, 120), (closed, 10)]
    {
        assert!(lasts(state, seconds - 3), "still there before {seconds} s");
        assert!(!lasts(state, seconds + 3), "gone after {seconds} s");
    }
}

#[test]
fn a_port_used_again_begins_another_flow() {
    let mut story = Story::established();
    let records = story.says(Client, 10).closes().begins_anew().syn_ack().ack(Client).closes().all_records();
    let kinds: Vec<_> = records.iter().map(|record| record.close_type).collect();
    assert_eq!(kinds, [Finish, Finish]);
    assert_ne!(records[0].id, records[1].id);
}
