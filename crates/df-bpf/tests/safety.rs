//! The programs only read: none calls a helper that changes a process, a packet or what a call returns.
#![cfg(feature = "aya")]
#![allow(clippy::unwrap_used, reason = "a test fails where it is")]

use std::collections::BTreeSet;

use aya_obj::Object;

/// Helpers that the programs may call, by their numbers in `enum bpf_func_id`: they read memory of the kernel or of the
/// process, keep the programs' own maps, and hand over records.
const READING_HELPERS: &[i32] = &[
    1,   // map_lookup_elem
    2,   // map_update_elem
    3,   // map_delete_elem
    4,   // probe_read
    5,   // ktime_get_ns
    8,   // get_smp_processor_id
    12,  // tail_call, which is never made
    14,  // get_current_pid_tgid
    16,  // get_current_comm
    25,  // perf_event_output
    27,  // get_stackid
    35,  // get_current_task
    45,  // probe_read_str
    112, // probe_read_user
    113, // probe_read_kernel
    114, // probe_read_user_str
    115, // probe_read_kernel_str
    131, // ringbuf_reserve
    132, // ringbuf_submit
    133, // ringbuf_discard
    134, // ringbuf_query
    137, // skc_to_tcp_sock, which gives the same address with another type
    158, // get_current_task_btf
    174, // get_attach_cookie
    175, // task_pt_regs
];

const OBJECTS: [(&str, &[u8]); 4] = [
    ("x86_64", include_bytes!("../objects/df_x86_64.bpf.o")),
    ("aarch64", include_bytes!("../objects/df_aarch64.bpf.o")),
    ("reduced", include_bytes!("../objects/df_reduced.bpf.o")),
    ("any", include_bytes!("../objects/probe.bpf.o")),
];

#[test]
fn no_program_calls_a_helper_that_writes() {
    for (architecture, bytes) in OBJECTS {
        let object = Object::parse(bytes).unwrap();
        let helpers: BTreeSet<i32> = object.functions.values().flat_map(helpers_of).collect();
        // Those that only tell whether they can be hung up call nothing.
        let calls = if architecture == "any" { 0..1 } else { 10..usize::MAX };
        assert!(calls.contains(&helpers.len()), "{architecture}: {helpers:?}: the calls are not found");
        let others: Vec<_> = helpers.iter().filter(|helper| !READING_HELPERS.contains(helper)).collect();
        assert!(others.is_empty(), "{architecture}: helpers {others:?} are not known to only read");
    }
}

#[test]
fn no_program_changes_the_result_of_what_it_hangs_on() {
    for (architecture, bytes) in OBJECTS {
        let object = Object::parse(bytes).unwrap();
        for (name, program) in &object.programs {
            let section = format!("{:?}", program.section);
            let observes = [
                "TracePoint",
                "RawTracePoint",
                "BtfTracePoint",
                "FEntry",
                "FExit",
                "KProbe",
                "KRetProbe",
                "UProbe",
                "URetProbe",
                "PerfEvent",
            ];
            assert!(
                observes.iter().any(|kind| section.starts_with(kind)) || only_hears(&object, program),
                "{architecture}: {name}: {section}"
            );
        }
    }
}

/// Programs of control groups could change from whom a process hears. These store to their own stack and nowhere else. They
/// could not refuse anything either: the kernel takes only those of this sort that answer 1.
fn only_hears(object: &Object, program: &aya_obj::Program) -> bool {
    let is_hearing = format!("{:?}", program.section).contains("UDPRecvMsg");
    let function = &object.functions[&program.function_key()];
    let mut stores =
        function.instructions.iter().filter(|instruction| STORES.contains(&(instruction.code & CLASS)));
    is_hearing && stores.all(|instruction| instruction.dst_reg() == STACK)
}

/// Calls of the virtual machine whose source register is 0 are calls of helpers.
fn helpers_of(function: &aya_obj::Function) -> impl Iterator<Item = i32> {
    let calls = function.instructions.iter().filter(|instruction| instruction.code == CALL);
    calls.filter(|instruction| instruction.src_reg() == 0).map(|instruction| instruction.imm)
}

/// The class of an instruction, those of stores (`BPF_ST`, `BPF_STX`), and the register of the stack.
const CLASS: u8 = 0x07;
const STORES: [u8; 2] = [0x02, 0x03];
const STACK: u8 = 10;
/// `BPF_JMP | BPF_CALL`.
const CALL: u8 = 0x85;
