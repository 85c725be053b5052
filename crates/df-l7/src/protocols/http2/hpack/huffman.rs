//! The Huffman code of RFC 7541, Appendix B.
//!
//! The code is canonical: within a length, codes are numbered in the order of their symbols. So the lengths say all.

/// Adds what `encoded` stands for to `decoded`. None if it is not valid: then `decoded` has some of it.
pub(super) fn decode(encoded: &[u8], decoded: &mut Vec<u8>) -> Option<()> {
    let mut bytes = encoded.iter();
    // The bits not used yet stand at the top of the window.
    let (mut window, mut count) = (0_u64, 0_u32);
    loop {
        while count <= 56 {
            let Some(byte) = bytes.next() else { break };
            window |= u64::from(*byte) << (56 - count);
            count += 8;
        }
        let Some((symbol, len)) = next_symbol(window).filter(|(_, len)| *len <= count) else {
            return is_padding(window, count).then_some(());
        };
        decoded.push(u8::try_from(symbol).ok()?);
        window <<= len;
        count -= len;
    }
}

/// The symbol at the top of the window and the length of its code.
fn next_symbol(window: u64) -> Option<(u16, u32)> {
    let top = usize::try_from(window >> (64 - SHORT_BITS)).ok()?;
    let (symbol, len) = *TABLES.short.get(top)?;
    if len > 0 {
        return Some((symbol, u32::from(len)));
    }
    (SHORT_BITS + 1..=MAX_BITS).find_map(|len| {
        let row = TABLES.by_length.get(usize::try_from(len).ok()?)?;
        let distance = u32::try_from(window >> (64 - len)).ok()?.checked_sub(row.first_code)?;
        let place = usize::from(row.first_place).checked_add(usize::try_from(distance).ok()?)?;
        let symbol = *TABLES.symbols.get(place).filter(|_| distance < u32::from(row.count))?;
        Some((symbol, len))
    })
}

/// Whether the last `count` bits are padding: fewer than eight, all ones.
const fn is_padding(window: u64, count: u32) -> bool {
    count < 8 && (count == 0 || window >> (64 - count) == (1 << count) - 1)
}

/// The codes of one length.
#[derive(Clone, Copy)]
struct Row {
    first_code: u32,
    count: u16,
    /// Where its symbols begin.
    first_place: u16,
}

struct Tables {
    /// Symbol and length by the first bits, for codes that are not longer; a length of zero for the others.
    short: [(u16, u8); 1 << SHORT_BITS],
    by_length: [Row; MAX_BITS as usize + 1],
    /// All symbols, shortest code first.
    symbols: [u16; SYMBOLS],
}

static TABLES: Tables = tables();

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    reason = "evaluated when compiled, where an index out of bounds is an error"
)]
const fn tables() -> Tables {
    let mut short = [(0, 0); 1 << SHORT_BITS];
    let mut by_length = [Row { first_code: 0, count: 0, first_place: 0 }; MAX_BITS as usize + 1];
    let mut symbols = [0; SYMBOLS];
    let (mut len, mut code, mut place) = (1_u32, 0_u32, 0_u16);
    while len <= MAX_BITS {
        let row = &mut by_length[len as usize];
        row.first_code = code;
        row.first_place = place;
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if LENGTHS[symbol] as u32 == len {
                symbols[place as usize] = symbol as u16;
                if len <= SHORT_BITS {
                    let free_bits = SHORT_BITS - len;
                    let mut rest = 0;
                    while rest < 1 << free_bits {
                        short[((code << free_bits) + rest) as usize] = (symbol as u16, len as u8);
                        rest += 1;
                    }
                }
                row.count += 1;
                place += 1;
                code += 1;
            }
            symbol += 1;
        }
        code <<= 1;
        len += 1;
    }
    Tables { short, by_length, symbols }
}

/// How long each symbol's code is; the last is the end of the string, which must not occur.
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6,
    6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7,
    8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7,
    15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24,
    23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23,
    23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
    21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
    27, 27, 26, 30,
];
const SYMBOLS: usize = 257;
const SHORT_BITS: u32 = 8;
const MAX_BITS: u32 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoded: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        decode(encoded, &mut bytes).map(|()| bytes)
    }

    #[test]
    fn strings_of_the_specification() {
        for (encoded, text) in [
            (
                &[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff][..],
                "www.example.com",
            ),
            (&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf], "no-cache"),
            (&[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xa9, 0x7d, 0x7f], "custom-key"),
            (&[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf], "custom-value"),
            (&[0x64, 0x02], "302"),
            (&[], ""),
        ] {
            assert_eq!(decoded(encoded).as_deref(), Some(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn long_codes_and_wrong_endings() {
        // `{` has 15 bits, byte 10 has 30.
        assert_eq!(decoded(&[0xff, 0xfd]).as_deref(), Some(&b"{"[..]));
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xf3]).as_deref(), Some(&[10][..]));
        // The end of the string, padding of a whole byte, padding that is not ones.
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(decoded(&[0x64, 0x02, 0xff]), None);
        assert_eq!(decoded(&[0x00]), None);
    }
}
