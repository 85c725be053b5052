//! HPACK (RFC 7541): header blocks become fields, also where the compression's state is known only in part.

mod dynamic_table;
mod field_list;
mod huffman;
mod representation;
mod static_table;

use dynamic_table::{DynamicTable, Name};
pub(super) use field_list::FieldList;
use representation::{NameReference, Representation, Representations, Text};

/// The decoder of one direction.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    table: DynamicTable,
}

/// A header block that does not follow the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

impl Decoder {
    /// A header block, or part of one, was missed: which entry an index means is not known any more.
    pub(super) fn forget(&mut self) {
        self.table.forget();
    }

    /// Reads a whole header block into `fields`. A field that refers to what is not known is counted, not guessed. After
    /// an error `fields` has what stood before it, and the table is forgotten.
    pub(super) fn decode(&mut self, block: &[u8], fields: &mut FieldList) -> Result<(), Malformed> {
        fields.clear();
        let read = Representations::new(block)
            .try_for_each(|representation| self.apply(representation?, fields).ok_or(Malformed));
        if read.is_err() {
            self.forget();
        }
        read
    }

    fn apply(&mut self, representation: Representation<'_>, fields: &mut FieldList) -> Option<()> {
        match representation {
            Representation::SizeUpdate(max_size) => self.table.resize(max_size),
            Representation::Indexed(0) => return None,
            Representation::Indexed(index) => match self.table.field(index) {
                Some((name, value)) => fields.push(name, value),
                None => fields.push_unknown(),
            },
            Representation::Literal { name, value, is_indexed } => {
                return self.apply_literal(name, value, is_indexed, fields);
            }
        }
        Some(())
    }

    fn apply_literal(
        &mut self,
        name: NameReference<'_>,
        value: Text<'_>,
        is_indexed: bool,
        fields: &mut FieldList,
    ) -> Option<()> {
        let start = fields.begin();
        let name = match name {
            NameReference::Index(index) => {
                let name = self.table.name(index);
                fields.add_name(name.bytes().unwrap_or_default());
                name
            }
            NameReference::Text(text) => {
                text.decode_into(fields.buffer())?;
                fields.end_name();
                if is_indexed { Name::Shared(fields.open_name(start).into()) } else { Name::Static(b"") }
            }
        };
        value.decode_into(fields.buffer())?;
        if is_indexed {
            self.table.insert(name.clone(), fields.open_value());
        }
        match name {
            Name::Unknown => fields.abandon(start),
            Name::Static(_) | Name::Shared(_) => fields.finish(start),
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
