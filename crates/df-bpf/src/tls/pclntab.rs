//! Go's own function table (`.gopclntab`), which stays in stripped programs.
//!
//! ```text
//! magic u32 | 0 0 | quantum u8 | pointer size u8 | functions u64 | files u64 | text start u64 (1.18 and newer)
//!   | names | compilation units | files | line tables | functions: u64 offsets from the start of the table
//! ```

use super::elf::{Function, name_is};

const MAGIC_1_16: u32 = 0xffff_fffa;
const MAGIC_1_18: u32 = 0xffff_fff0;
const MAGIC_1_20: u32 = 0xffff_fff1;

/// For each of the names the function that has it. None when this is no table that Go 1.17 or newer writes.
///
/// `text_address` is where the program's code begins, for tables that leave it out.
pub(super) fn functions(table: &[u8], text_address: u64, names: &[&str]) -> Option<Vec<Option<Function>>> {
    let layout = Layout::parse(table, text_address)?;
    let mut found = vec![None; names.len()];
    for index in 0..layout.function_count() {
        let Some((address, record)) = layout.entry(index) else { break };
        let Some(name) = layout.name_offset(record) else { continue };
        for (wanted, slot) in names.iter().zip(found.iter_mut()) {
            if slot.is_none() && name_is(layout.names, name, wanted) {
                // The entry after the last function tells where the code ends.
                let end = layout.entry(index.saturating_add(1)).map_or(address, |(address, _)| address);
                *slot = Some(Function { address, size_bytes: end.saturating_sub(address) });
            }
        }
    }
    Some(found)
}

struct Layout<'data> {
    /// The names, each ended by a zero byte.
    names: &'data [u8],
    /// Entries of a function's address and of where its record is, both as wide as `field_bytes`.
    entries: &'data [u8],
    /// How wide an address is: from Go 1.18 on it is an offset from the start of the code.
    field_bytes: usize,
    text_address: u64,
    count: usize,
}

impl<'data> Layout<'data> {
    fn parse(table: &'data [u8], text_address: u64) -> Option<Self> {
        let magic = u32_at(table, 0)?;
        if table.get(7) != Some(&8) {
            return None;
        }
        let count = usize::try_from(u64_at(table, 8)?).ok()?;
        let part = |word: usize| {
            let offset = usize::try_from(u64_at(table, word.checked_mul(8)?)?).ok()?;
            table.get(offset..)
        };
        match magic {
            MAGIC_1_16 => {
                Some(Self { names: part(3)?, entries: part(7)?, field_bytes: 8, text_address: 0, count })
            }
            MAGIC_1_18 | MAGIC_1_20 => {
                // Position-independent programs and the newest toolchains leave the address to the section.
                let start = u64_at(table, 24)?;
                let text_address = if start == 0 { text_address } else { start };
                Some(Self { names: part(4)?, entries: part(8)?, field_bytes: 4, text_address, count })
            }
            _ => None,
        }
    }

    /// How many entries there can be, whatever the header says.
    fn function_count(&self) -> usize {
        self.count.min(self.entries.len() / self.field_bytes.saturating_mul(2))
    }

    /// Address and record offset of a function; the entry after the last has an address only.
    fn entry(&self, index: usize) -> Option<(u64, usize)> {
        let at = index.checked_mul(self.field_bytes)?.checked_mul(2)?;
        let second = at.checked_add(self.field_bytes)?;
        if self.field_bytes == 8 {
            let record = u64_at(self.entries, second).and_then(|offset| usize::try_from(offset).ok());
            return Some((u64_at(self.entries, at)?, record.unwrap_or(usize::MAX)));
        }
        let record = u32_at(self.entries, second).and_then(|offset| usize::try_from(offset).ok());
        let address = self.text_address.checked_add(u64::from(u32_at(self.entries, at)?))?;
        Some((address, record.unwrap_or(usize::MAX)))
    }

    /// Where the name of a function's record is: after the function's address, which is as wide as in the entries.
    fn name_offset(&self, record: usize) -> Option<u32> {
        u32_at(self.entries, record.checked_add(self.field_bytes)?)
    }
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}
