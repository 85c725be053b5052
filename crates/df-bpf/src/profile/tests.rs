//! Profiles as other programs read them, from samples that a test made up.

use df_core::Command;
use prost::Message;

use super::messages::Profile as Encoded;
use super::sample::SampleKey;
use super::symbols::Space;
use super::*;

fn task(pid: u32, name: &str) -> Task {
    let mut command = [0; 16];
    command[..name.len()].copy_from_slice(name.as_bytes());
    Task::new(pid, pid + 1, Command::new(command))
}

fn sample(pid: u32, id: u64, count: u64, stacks: [&[u64]; 2]) -> Sample {
    let [kernel_frames, user_frames] = stacks.map(Into::into);
    Sample { task: task(pid, "a;b c"), causal_id: CausalId::new(id), count, kernel_frames, user_frames }
}

fn profile() -> Profile {
    Profile {
        samples: vec![
            sample(7, 0xab, 3, [&[], &[0x100, 0x201]]),
            sample(7, 0, 2, [&[0xff00, 0xff11], &[0x100, 0x201]]),
            sample(8, 0xab, 1, [&[], &[0x100, 0x201]]),
            sample(7, 0xcd, 4, [&[], &[0x100, 0x201]]),
        ],
        start: Timestamp::from_parts(5, 0),
        duration: Duration::from_secs(2),
        frequency_hertz: 100,
        lost_samples: 1,
        lost_stacks: 0,
    }
}

/// The caller's address is the one to return to: its name is found by the one before.
fn symbols() -> Symbols {
    Symbols::of([
        (Space::Process(7), 0x100, "leaf"),
        (Space::Process(7), 0x200, "main;x"),
        (Space::Kernel, 0xff00, "copy"),
    ])
}

#[test]
fn stacks_are_folded_from_the_outermost_function_on() {
    assert_eq!(
        profile().folded(&symbols()),
        "a:b c;[unknown];[unknown] 1\na:b c;main:x;leaf 7\na:b c;main:x;leaf;[unknown]_[k];copy_[k] 2\n"
    );
}

#[test]
fn a_profile_of_one_request_or_process_has_its_samples_alone() {
    let id = CausalId::new(0xab).unwrap();
    assert_eq!(profile().of_request(id).samples.iter().map(|one| one.count).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(profile().of_process(8).count(), 1);
    assert_eq!(profile().of_request(id).of_process(7).folded(&symbols()), "a:b c;main:x;leaf 3\n");
}

#[test]
fn pprof_names_stacks_labels_and_time() {
    let read = Encoded::decode(profile().pprof(&symbols()).as_slice()).unwrap();
    let text = |place: i64| read.string_table[usize::try_from(place).unwrap()].as_str();
    assert_eq!(text(0), "");
    let types: Vec<_> = read.sample_type.iter().map(|one| (text(one.kind), text(one.unit))).collect();
    assert_eq!(types, [("samples", "count"), ("cpu", "nanoseconds")]);
    assert_eq!(
        (read.period, read.time_nanos, read.duration_nanos),
        (10_000_000, 5_000_000_000, 2_000_000_000)
    );
    assert_eq!(
        read.comment.iter().map(|place| text(*place)).collect::<Vec<_>>(),
        ["lost: 1 samples, 0 stacks"]
    );
    let place = |id: u64| usize::try_from(id - 1).unwrap();
    let function = |id: u64| {
        let line = read.location[place(id)].line.first();
        line.map_or("?", |line| text(read.function[place(line.function_id)].name))
    };
    let stacks: Vec<Vec<&str>> = read
        .sample
        .iter()
        .map(|sample| sample.location_id.iter().map(|id| function(*id)).collect())
        .collect();
    assert_eq!(stacks[0], ["leaf", "main;x"]);
    assert_eq!(stacks[1], ["copy_[k]", "?", "leaf", "main;x"]);
    assert_eq!(stacks[2], ["?", "?"]);
    assert_eq!(read.sample[0].value, [3, 30_000_000]);
    let labels = |sample: usize| -> Vec<(&str, &str, i64)> {
        read.sample[sample].label.iter().map(|one| (text(one.key), text(one.text), one.number)).collect()
    };
    assert_eq!(labels(0), [("thread", "a;b c", 0), ("pid", "", 7), ("tid", "", 8), ("causal_id", "ab", 0)]);
    assert_eq!(labels(1).len(), 3);
    // Process 8 has instructions of its own at the same addresses.
    assert_eq!(read.location.len(), 6);
}

#[test]
fn a_key_is_read_as_the_program_writes_it() {
    let mut bytes = [0; SAMPLE_BYTES];
    bytes[0] = 9;
    bytes[8] = 1;
    bytes[12] = 2;
    bytes[16..20].copy_from_slice(&(-1_i32).to_le_bytes());
    bytes[20] = 3;
    bytes[24..26].copy_from_slice(b"sh");
    let key = SampleKey::parse(&bytes).unwrap();
    assert_eq!((key.task.pid, key.task.tid, key.task.command.as_text().as_ref()), (1, 2, "sh"));
    assert_eq!((key.causal_id, key.kernel_stack, key.user_stack), (CausalId::new(9), None, Some(3)));
}
