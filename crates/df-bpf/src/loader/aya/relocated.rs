//! Relocates the fields in an object's programs beforehand, for kernels that can keep no type information of the object.
//!
//! `aya` relocates only when the kernel took the object's type information, or knows none. Linux 4.18 to 4.20 take it, and
//! refuse programs that name it. So the reduced object has information that every kernel refuses, and comes to `aya` relocated.

use aya::Btf;
use aya_obj::generated::bpf_insn;
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection, SectionIndex};

use crate::error::LoadError;

/// The object with the places of fields that `btf` tells, and without a request to relocate.
pub(super) fn relocated(bytes: &[u8], btf: &Btf) -> Result<Vec<u8>, LoadError> {
    let mut parsed =
        aya_obj::Object::parse(bytes).map_err(|error| LoadError::of("reading the object", error))?;
    parsed
        .relocate_btf(btf)
        .map_err(|error| LoadError::of("finding fields of the kernel by its BTF", error))?;
    let elf: ElfFile64 =
        ElfFile64::parse(bytes).map_err(|error| LoadError::of("reading the object", error))?;
    let mut relocated = bytes.to_vec();
    for function in parsed.functions.values() {
        let section = elf.section_by_index(SectionIndex(function.section_index.0));
        let code = function.instructions.iter().copied().flat_map(instruction_bytes);
        let start = section.ok().and_then(|section| section.file_range()).map(|(start, _)| start);
        overwrite(&mut relocated, start, function.section_offset, code)?;
    }
    let requests = elf.section_by_name(".BTF.ext").and_then(|section| section.file_range());
    overwrite(&mut relocated, requests.map(|(start, _)| start), RELOCATIONS_LENGTH, [0; 4])?;
    Ok(relocated)
}

fn overwrite(
    object: &mut [u8],
    section: Option<u64>,
    offset: usize,
    bytes: impl IntoIterator<Item = u8>,
) -> Result<(), LoadError> {
    let start = section.and_then(|start| usize::try_from(start).ok()?.checked_add(offset));
    let room = start.and_then(|start| object.get_mut(start..));
    let room = room.ok_or(LoadError::Unsupported { what: "a section of the object" })?;
    room.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    Ok(())
}

/// As the kernel reads it: operation, both registers, offset, number.
fn instruction_bytes(instruction: bpf_insn) -> [u8; 8] {
    let registers = instruction.dst_reg() | instruction.src_reg() << 4;
    let [offset_low, offset_high] = instruction.off.to_le_bytes();
    let [a, b, c, d] = instruction.imm.to_le_bytes();
    [instruction.code, registers, offset_low, offset_high, a, b, c, d]
}

/// Where the header of `.BTF.ext` tells how many bytes of requests to relocate there are.
const RELOCATIONS_LENGTH: usize = 28;
