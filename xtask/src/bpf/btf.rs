//! Makes type information one that kernels refuse to keep, for loaders that would hand it to kernels that cannot take it.

use std::io;

/// Linux 4.18 to 4.20 keep type information, and refuse programs that name it: the loader cannot know. Of information that the
/// kernel refused the loader names none, and goes on: relocations, which need it, are done by then.
///
/// The first integer type of the object is said to have more bits than bytes. Nobody else reads that number.
pub(super) fn make_unacceptable(object: &mut [u8]) -> io::Result<()> {
    let place = place_of_first_integer(object).ok_or_else(|| io::Error::other("no type information"))?;
    let bits = object.get_mut(place).ok_or_else(|| io::Error::other("the type information ends early"))?;
    *bits = u8::MAX;
    Ok(())
}

/// Where the number of bits of the first integer stands.
fn place_of_first_integer(object: &[u8]) -> Option<usize> {
    let start = object.windows(HEADER.len()).position(|window| window == HEADER)?;
    let mut place = start + HEADER_BYTES;
    loop {
        let information = u32_at(object, place + 4)?;
        let (kind, entries) = (information >> 24 & 0x1f, usize::try_from(information & 0xffff).ok()?);
        let rest = match kind {
            INTEGER => return Some(place + TYPE_BYTES),
            POINTER | TYPEDEF | VOLATILE | CONST | RESTRICT | FORWARD | FUNCTION | FLOAT => 0,
            ARRAY => 12,
            STRUCT | UNION => entries * 12,
            ENUM | FUNCTION_PROTOTYPE => entries * 8,
            _ => return None,
        };
        place += TYPE_BYTES + rest;
    }
}

fn u32_at(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..)?.first_chunk().map(|field| u32::from_le_bytes(*field))
}

/// Magic number, version 1, no flags, a header of 24 bytes, types at its end.
const HEADER: &[u8] = &[0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0];
const HEADER_BYTES: usize = 24;
/// Of a type: name, information, size or type.
const TYPE_BYTES: usize = 12;

const INTEGER: u32 = 1;
const POINTER: u32 = 2;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const FORWARD: u32 = 7;
const TYPEDEF: u32 = 8;
const VOLATILE: u32 = 9;
const CONST: u32 = 10;
const RESTRICT: u32 = 11;
const FUNCTION: u32 = 12;
const FUNCTION_PROTOTYPE: u32 = 13;
const FLOAT: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_integer_gets_more_bits_than_it_has_bytes() {
        let mut object = vec![0; 5];
        object.extend(HEADER);
        object.extend([0; 12]);
        // A pointer, then an integer of 32 bits.
        for word in [0, POINTER << 24, 2, 0, INTEGER << 24, 4, 32] {
            object.extend(u32::to_le_bytes(word));
        }
        assert_eq!(make_unacceptable(&mut object).map_err(|error| error.to_string()), Ok(()));
        assert_eq!(object.last_chunk(), Some(&[u8::MAX, 0, 0, 0]));
        let missing = make_unacceptable(&mut [0; 40]).map_err(|error| error.to_string());
        assert_eq!(missing, Err("no type information".to_owned()));
    }
}
