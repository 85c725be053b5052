//! What the kernel says of programs that it refuses, as it is told. Needs root; says so where it is not.

use object::read::elf::ElfFile64;
use object::{Object, ObjectSection};

use super::*;

#[cfg(target_arch = "x86_64")]
const OBJECT: &[u8] = include_bytes!("../../objects/df_x86_64.bpf.o");
#[cfg(target_arch = "aarch64")]
const OBJECT: &[u8] = include_bytes!("../../objects/df_aarch64.bpf.o");

/// The object, with a program that begins by reading what it must not.
fn object_with_a_bad_program(section: &str) -> Vec<u8> {
    let elf: ElfFile64 = ElfFile64::parse(OBJECT).expect("our own object");
    let (start, _) =
        elf.section_by_name(section).and_then(|section| section.file_range()).expect("it is there");
    let start = usize::try_from(start).expect("small");
    let mut bytes = OBJECT.to_vec();
    // r0 = *(u64 *)(r10 + 64), above the stack.
    bytes[start..start + 8].copy_from_slice(&[0x79, 0xa0, 64, 0, 0, 0, 0, 0]);
    bytes
}

#[test]
fn a_program_that_the_verifier_refuses_is_told_with_its_words() {
    let settings = Settings { ring_bytes: 4096, ..Settings::default() };
    let object = object_with_a_bad_program("tracepoint/on_shutdown");
    for kind in LoaderKind::ALL {
        let mut loader = match load(*kind, ProgramSet::Whole, &object, &settings) {
            Ok(loader) => loader,
            Err(error) => return println!("skipped: {error}"),
        };
        let refused = loader.attach("on_shutdown", KernelHook::Tracepoint("syscalls", "sys_enter_shutdown"));
        let message = refused.expect_err("it reads above its stack").to_string();
        assert!(
            message.starts_with("the kernel refuses the program on_shutdown: Permission denied"),
            "{message}"
        );
        assert!(message.contains("R10") && message.lines().count() == 1, "{message}");
        // The others are not touched by that.
        loader
            .attach("on_close", KernelHook::Tracepoint("syscalls", "sys_enter_close"))
            .expect("a good program");
    }
}

#[test]
fn a_hook_that_the_kernel_does_not_have_is_told() {
    let settings = Settings { ring_bytes: 4096, ..Settings::default() };
    for kind in LoaderKind::ALL {
        let mut loader = match load(*kind, ProgramSet::Whole, OBJECT, &settings) {
            Ok(loader) => loader,
            Err(error) => return println!("skipped: {error}"),
        };
        let missing = loader.attach("on_close", KernelHook::Tracepoint("syscalls", "sys_enter_nothing"));
        assert_eq!(
            missing.expect_err("there is no such call").to_string(),
            "this kernel has no syscalls:sys_enter_nothing"
        );
    }
}
