//! Where the constants of an object stand, which libbpf leaves to generated code.

use std::collections::HashMap;

use object::{Object, ObjectSection, ObjectSymbol};

use crate::error::LoadError;

/// Offsets of constants of 4 bytes in the section `.rodata`, by name.
pub(super) struct Constants(HashMap<String, usize>);

impl Constants {
    pub(super) fn read(object: &[u8]) -> Result<Self, LoadError> {
        let elf = object::File::parse(object).map_err(|error| LoadError::of("reading the object", error))?;
        let section = elf.section_by_name(".rodata").map(|section| section.index());
        let symbols = elf.symbols().filter(|symbol| symbol.section_index() == section && section.is_some());
        let place = |symbol: object::Symbol<'_, '_>| {
            let offset = usize::try_from(symbol.address()).ok()?;
            (symbol.size() == 4).then_some(())?;
            Some((symbol.name().ok()?.to_owned(), offset))
        };
        Ok(Self(symbols.filter_map(place).collect()))
    }

    /// Writes values into what the section will be.
    pub(super) fn write(&self, section: &mut [u8], values: &[(&str, u32)]) -> libbpf_rs::Result<()> {
        for (name, value) in values {
            let field = self.0.get(*name).and_then(|offset| section.get_mut(*offset..)?.first_chunk_mut());
            let Some(field) = field else {
                return Err(std::io::Error::other(format!("the object has no constant {name}")).into());
            };
            *field = value.to_ne_bytes();
        }
        Ok(())
    }
}
