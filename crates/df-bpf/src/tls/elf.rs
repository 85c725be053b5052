//! A bounded view of an ELF file: sections, the addresses of named functions, and where an address is in the file.

use object::LittleEndian;
use object::ReadRef;
use object::elf::{
    EM_AARCH64, EM_X86_64, FileHeader64, PF_X, PT_LOAD, ProgramHeader64, SHT_DYNSYM, SHT_NOBITS, SHT_SYMTAB,
    STT_FUNC, SectionHeader64, Sym64,
};
use object::pod::slice_from_all_bytes;
use object::read::elf::FileHeader;

use super::InspectLimits;
use super::binary::{Architecture, InspectError};

type Section = SectionHeader64<LittleEndian>;
type Segment = ProgramHeader64<LittleEndian>;
type Symbol = Sym64<LittleEndian>;

const ENDIAN: LittleEndian = LittleEndian;

/// An ELF file of 64 bits, little endian.
pub(super) struct Elf<'data, R> {
    data: R,
    limits: InspectLimits,
    architecture: Architecture,
    segments: &'data [Segment],
    sections: &'data [Section],
    section_names: &'data [u8],
}

/// Where a function is once it is loaded, relative to the file's own addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Function {
    /// Address of its first instruction.
    pub(super) address: u64,
    /// How long it is in bytes; 0 when unknown.
    pub(super) size_bytes: u64,
}

impl<'data, R: ReadRef<'data>> Elf<'data, R> {
    pub(super) fn parse(data: R, limits: &InspectLimits) -> Result<Self, InspectError> {
        let header = FileHeader64::<LittleEndian>::parse(data).map_err(|_| malformed("header"))?;
        if !header.is_little_endian() || !header.is_class_64() {
            return Err(malformed("class"));
        }
        let architecture = match header.e_machine.get(ENDIAN) {
            EM_X86_64 => Architecture::X86_64,
            EM_AARCH64 => Architecture::Aarch64,
            machine => return Err(InspectError::UnknownArchitecture(machine)),
        };
        if header.e_shnum.get(ENDIAN) == 0 || header.e_phnum.get(ENDIAN) == u16::MAX {
            // Either there are no sections, or there are more than a program has any use for.
            return Err(malformed("section count"));
        }
        let segments = header.program_headers(ENDIAN, data).map_err(|_| malformed("program headers"))?;
        let sections = header.section_headers(ENDIAN, data).map_err(|_| malformed("section headers"))?;
        let mut elf =
            Self { data, limits: limits.clone(), architecture, segments, sections, section_names: &[] };
        if let Some(section) = sections.get(usize::from(header.e_shstrndx.get(ENDIAN))) {
            elf.section_names = elf.bytes_of(section, "section names")?;
        }
        Ok(elf)
    }

    pub(super) const fn architecture(&self) -> Architecture {
        self.architecture
    }

    pub(super) const fn limits(&self) -> &InspectLimits {
        &self.limits
    }

    /// The section's address and size.
    pub(super) fn section_range(&self, name: &'static str) -> Option<(u64, u64)> {
        let section = self.section(name)?;
        Some((section.sh_addr.get(ENDIAN), section.sh_size.get(ENDIAN)))
    }

    /// A section's bytes, if there is one of that name.
    pub(super) fn section_bytes(&self, name: &'static str) -> Result<Option<&'data [u8]>, InspectError> {
        self.section(name).map(|section| self.bytes_of(section, name)).transpose()
    }

    /// For each of the names the function that has it, in the order of the names.
    pub(super) fn functions(&self, names: &[&str]) -> Result<Vec<Option<Function>>, InspectError> {
        let mut found = vec![None; names.len()];
        for section in self.sections {
            if matches!(section.sh_type.get(ENDIAN), SHT_SYMTAB | SHT_DYNSYM) {
                self.find_in_table(section, names, &mut found)?;
            }
            if found.iter().all(Option::is_some) {
                break;
            }
        }
        Ok(found)
    }

    /// Where the instruction at an address is in the file.
    pub(super) fn instruction_offset(&self, address: u64) -> Option<u64> {
        let segment = self.segments.iter().find(|segment| {
            segment.p_flags.get(ENDIAN) & PF_X != 0 && offset_in(segment, address).is_some()
        })?;
        segment.p_offset.get(ENDIAN).checked_add(offset_in(segment, address)?)
    }

    /// The bytes at an address, as they are in the file.
    pub(super) fn bytes_at(&self, address: u64, len: u64) -> Option<&'data [u8]> {
        let segment = self.segments.iter().find(|segment| offset_in(segment, address).is_some())?;
        let inside = offset_in(segment, address)?;
        if inside.checked_add(len)? > segment.p_filesz.get(ENDIAN) || len > self.limits.max_table_bytes {
            return None;
        }
        self.data.read_bytes_at(segment.p_offset.get(ENDIAN).checked_add(inside)?, len).ok()
    }

    fn section(&self, name: &str) -> Option<&'data Section> {
        self.sections.iter().find(|section| {
            name_is(self.section_names, section.sh_name.get(ENDIAN), name)
                && section.sh_type.get(ENDIAN) != SHT_NOBITS
        })
    }

    fn bytes_of(&self, section: &Section, what: &'static str) -> Result<&'data [u8], InspectError> {
        let size = section.sh_size.get(ENDIAN);
        if size > self.limits.max_table_bytes {
            return Err(InspectError::TooLarge(what));
        }
        self.data.read_bytes_at(section.sh_offset.get(ENDIAN), size).map_err(|()| malformed(what))
    }

    fn find_in_table(
        &self,
        table: &Section,
        names: &[&str],
        found: &mut [Option<Function>],
    ) -> Result<(), InspectError> {
        let bytes = self.bytes_of(table, "symbols")?;
        let whole = bytes.len().saturating_sub(bytes.len() % size_of::<Symbol>());
        let symbols: &[Symbol] = slice_from_all_bytes(bytes.get(..whole).unwrap_or_default())
            .map_err(|()| malformed("symbols"))?;
        let strings = usize::try_from(table.sh_link.get(ENDIAN)).unwrap_or(usize::MAX);
        let strings = self.sections.get(strings).ok_or(malformed("symbol names"))?;
        let strings = self.bytes_of(strings, "symbol names")?;
        for symbol in symbols {
            if symbol.st_info & 0xf != STT_FUNC || symbol.st_value.get(ENDIAN) == 0 {
                continue;
            }
            let name = symbol.st_name.get(ENDIAN);
            for (wanted, slot) in names.iter().zip(found.iter_mut()) {
                if slot.is_none() && name_is(strings, name, wanted) {
                    *slot = Some(Function {
                        address: symbol.st_value.get(ENDIAN),
                        size_bytes: symbol.st_size.get(ENDIAN),
                    });
                }
            }
        }
        Ok(())
    }
}

fn offset_in(segment: &Segment, address: u64) -> Option<u64> {
    if segment.p_type.get(ENDIAN) != PT_LOAD {
        return None;
    }
    let inside = address.checked_sub(segment.p_vaddr.get(ENDIAN))?;
    (inside < segment.p_filesz.get(ENDIAN)).then_some(inside)
}

/// Whether the zero-terminated string at an offset is this name.
pub(super) fn name_is(strings: &[u8], offset: u32, name: &str) -> bool {
    let Some(rest) = usize::try_from(offset).ok().and_then(|offset| strings.get(offset..)) else {
        return false;
    };
    rest.strip_prefix(name.as_bytes()).is_some_and(|after| after.first() == Some(&0))
}

const fn malformed(what: &'static str) -> InspectError {
    InspectError::Malformed(what)
}
