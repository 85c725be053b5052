//! The reduced object has nothing that Linux 4.14 lacks: no such kernel can be booted here, so its instructions are looked at.
#![cfg(feature = "aya")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails where it is")]

use std::collections::BTreeSet;

use aya_obj::generated::bpf_insn;
use aya_obj::{Object, ProgramSection};
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection, ObjectSymbol, RelocationTarget};

const OBJECT: &[u8] = include_bytes!("../objects/df_reduced.bpf.o");

/// Helpers that programs at tracepoints may call since 4.14 or earlier, and that only read.
const HELPERS: &[i32] = &[
    1,  // map_lookup_elem
    2,  // map_update_elem
    3,  // map_delete_elem
    4,  // probe_read, 4.1
    5,  // ktime_get_ns
    8,  // get_smp_processor_id
    14, // get_current_pid_tgid, 4.2
    16, // get_current_comm, 4.2
    25, // perf_event_output, 4.4
    35, // get_current_task, 4.8
    45, // probe_read_str, 4.11
];

/// Hash, array, perf event array, array for each processor, hash of the last used: the last is of 4.10.
const MAP_TYPES: &[u32] = &[1, 2, 4, 6, 9];

/// The most before 5.2.
const MAX_INSTRUCTIONS: usize = 4096;

/// Bytes of a stack.
const MAX_STACK: i16 = 512;

#[test]
fn every_program_is_one_function_at_a_tracepoint_that_only_old_helpers_are_called_by() {
    let object = Object::parse(OBJECT).unwrap();
    assert!(object.programs.len() > 20 && object.programs.len() == object.functions.len());
    assert!(object.programs.values().all(|program| matches!(program.section, ProgramSection::TracePoint)));
    let mut called = BTreeSet::new();
    for function in object.functions.values() {
        assert!(function.instructions.len() <= MAX_INSTRUCTIONS, "{}", function.name);
        for call in function.instructions.iter().filter(|instruction| instruction.code == CALL) {
            assert_eq!(call.src_reg(), 0, "{}: a function of its own", function.name);
            called.insert(call.imm);
        }
    }
    assert!(called.contains(&25), "the calls are not found");
    let newer: Vec<_> = called.iter().filter(|helper| !HELPERS.contains(helper)).collect();
    assert!(newer.is_empty(), "helpers {newer:?}");
}

#[test]
fn no_program_has_a_loop() {
    let object = Object::parse(OBJECT).unwrap();
    for function in object.functions.values() {
        let next: Vec<Vec<usize>> = next_instructions(&function.instructions);
        // A program without loops can be taken apart from its end.
        let mut is_done = vec![false; next.len()];
        let mut progress = true;
        while progress {
            progress = false;
            for index in (0..next.len()).rev() {
                if !is_done[index] && next[index].iter().all(|next| is_done[*next]) {
                    is_done[index] = true;
                    progress = true;
                }
            }
        }
        assert!(is_done.iter().all(|is_done| *is_done), "{}", function.name);
    }
}

#[test]
fn only_instructions_of_the_first_machine_are_used_and_no_more_stack_than_there_is() {
    let object = Object::parse(OBJECT).unwrap();
    for function in object.functions.values() {
        let mut is_second_half = false;
        for instruction in &function.instructions {
            if std::mem::replace(&mut is_second_half, instruction.code == LOAD_WORD_PAIR) {
                continue;
            }
            let (class, operation) = (instruction.code & 0x07, instruction.code & 0xf0);
            assert_ne!(class, JUMP_32, "{}: 5.1", function.name);
            let is_late_jump = class == JUMP && operation > 0x90;
            assert!(
                !is_late_jump,
                "{}: a jump of 4.14, which not all of its architectures have",
                function.name
            );
            // Below the top of the stack.
            let is_store = class == STORE || class == STORE_REGISTER;
            if is_store && instruction.dst_reg() == 10 {
                assert!(instruction.off >= -MAX_STACK, "{}", function.name);
            }
        }
    }
}

#[test]
fn only_old_maps_are_made_and_there_are_no_variables() {
    let object = Object::parse(OBJECT).unwrap();
    assert_eq!(object.maps.len(), 9, "{:?}", object.maps.keys());
    for (name, map) in &object.maps {
        assert!(MAP_TYPES.contains(&map.map_type()), "{name}: {}", map.map_type());
        // With sizes alone no types are told to the kernel, which 4.14 refuses.
        assert!(map.key_size() > 0 && map.value_size() > 0, "{name}");
        // The most of a value of each processor.
        assert!(map.value_size() <= 32 << 10, "{name}");
    }
    let elf: ElfFile64 = ElfFile64::parse(OBJECT).unwrap();
    let mut referred = BTreeSet::new();
    for section in elf.sections() {
        let name = section.name().unwrap();
        let is_data = [".rodata", ".data", ".bss", ".kconfig"].iter().any(|data| name.starts_with(data));
        assert!(!is_data || section.size() == 0, "{name}");
        if !name.starts_with("tracepoint/") {
            continue;
        }
        for (_, relocation) in section.relocations() {
            let RelocationTarget::Symbol(symbol) = relocation.target() else { panic!("{relocation:?}") };
            let symbol = elf.symbol_by_index(symbol).unwrap();
            let section = elf.section_by_index(symbol.section_index().unwrap()).unwrap();
            referred.insert(section.name().unwrap().to_owned());
        }
    }
    assert_eq!(referred, BTreeSet::from([".maps".to_owned()]));
}

/// Keys and values that are handed to a map may stand in another map since 4.18.
#[test]
fn keys_and_values_of_maps_are_on_the_stack() {
    let object = Object::parse(OBJECT).unwrap();
    let mut calls = 0;
    for function in object.functions.values() {
        let instructions = &function.instructions;
        for (index, call) in instructions.iter().enumerate() {
            let registers = match (call.code, call.imm) {
                (CALL, LOOKUP | DELETE) => 2..=2,
                (CALL, UPDATE) => 2..=3,
                _ => continue,
            };
            calls += 1;
            for register in registers {
                let is_set = |one: &&bpf_insn| one.dst_reg() == register && is_assignment(one.code);
                let last = instructions[..index].iter().rev().find(is_set).unwrap();
                assert_eq!((last.code, last.src_reg()), (MOVE, 10), "{} at {index}", function.name);
            }
        }
    }
    assert!(calls > 100, "{calls}: the calls are not found");
}

/// Linux 4.18 to 4.20 refuse programs that name type information, which the loader hands over where it can.
#[test]
fn the_kernel_keeps_no_type_information_of_it() {
    let elf: ElfFile64 = ElfFile64::parse(OBJECT).unwrap();
    let section = elf.section_by_name(".BTF").unwrap();
    let btf = section.data().unwrap();
    // Of the first integer: name, kind, four bytes, and more bits than that.
    let impossible = [4, 0, 0, 0, 255, 0, 0];
    assert!(btf.windows(impossible.len()).any(|window| window == impossible));
}

/// Where each instruction goes on.
fn next_instructions(instructions: &[bpf_insn]) -> Vec<Vec<usize>> {
    let target = |index: usize, offset: i16| (index + 1).checked_add_signed(isize::from(offset)).unwrap();
    let next = |(index, instruction): (usize, &bpf_insn)| match instruction.code {
        EXIT => vec![],
        LOAD_WORD_PAIR => vec![index + 2],
        JUMP_ALWAYS => vec![target(index, instruction.off)],
        code if code & 0x07 == JUMP && code != CALL => vec![index + 1, target(index, instruction.off)],
        // The second half of a pair is never gone to.
        0 => vec![],
        _ => vec![index + 1],
    };
    instructions.iter().enumerate().map(next).collect()
}

/// Whether an instruction gives a register a value that does not come of the one before.
const fn is_assignment(code: u8) -> bool {
    let class = code & 0x07;
    class == LOAD || class == LOAD_REGISTER || code == MOVE || code == MOVE_NUMBER
}

const LOOKUP: i32 = 1;
const UPDATE: i32 = 2;
const DELETE: i32 = 3;
const MOVE: u8 = 0xbf;
const MOVE_NUMBER: u8 = 0xb7;
const LOAD: u8 = 0x00;
const LOAD_REGISTER: u8 = 0x01;
const CALL: u8 = 0x85;
const EXIT: u8 = 0x95;
const JUMP_ALWAYS: u8 = 0x05;
const LOAD_WORD_PAIR: u8 = 0x18;
const STORE: u8 = 0x02;
const STORE_REGISTER: u8 = 0x03;
const JUMP: u8 = 0x05;
const JUMP_32: u8 = 0x06;
