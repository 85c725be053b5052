//! The Huffman code of RFC 7541, Appendix B.
//!
//! The code is canonical: within a length, codes are numbered in the order of their symbols. So the lengths say all.

/// Adds what `encoded` stands for to `decoded`. None if it is not valid: then `decoded` has some of it.
pub(super) fn decode(encoded: &[u8], decoded: &mut Vec<u8>) -> Option<()> {
    let mut rest = encoded;
    // The bits not used yet stand at the top of the window.
    let (mut window, mut count) = (0_u64, 0_u32);
    loop {
        (window, count) = refill(&mut rest, window, count);
        let before = count;
        (window, count) = take_short_symbols(window, count, decoded);
        if count < before {
            continue;
        }
        let Some((symbol, len)) = next_symbol(window).filter(|(_, len)| *len <= count) else {
            return is_padding(window, count).then_some(());
        };
        decoded.push(u8::try_from(symbol).ok()?);
        window <<= len;
        count -= len;
    }
}

/// Moves as many whole bytes into the window as it has room for.
fn refill(rest: &mut &[u8], window: u64, count: u32) -> (u64, u32) {
    let room = (64 - count) / 8;
    if let Some((next, _)) = rest.split_first_chunk::<8>()
        && room > 0
    {
        let bits = room * 8;
        let taken = u64::from_be_bytes(*next) >> (64 - bits) << (64 - bits);
        *rest = rest.get(room as usize..).unwrap_or_default();
        return (window | taken >> count, count + bits);
    }
    let (mut window, mut count) = (window, count);
    while count <= 56
        && let Some((byte, others)) = rest.split_first()
    {
        window |= u64::from(*byte) << (56 - count);
        count += 8;
        *rest = others;
    }
    (window, count)
}

/// Adds the symbols with short codes that the window begins with. Gives what is left of it.
fn take_short_symbols(window: u64, count: u32, decoded: &mut Vec<u8>) -> (u64, u32) {
    let (mut window, mut left) = (window, count);
    let mut symbols = [0_u8; 16];
    let mut found = 0;
    for place in &mut symbols {
        let [top, ..] = window.to_be_bytes();
        let Some((symbol, len)) = TABLES.short.get(usize::from(top)) else { break };
        if *len == 0 || u32::from(*len) > left {
            break;
        }
        *place = *symbol;
        window <<= *len;
        left -= u32::from(*len);
        found += 1;
    }
    decoded.extend_from_slice(symbols.get(..found).unwrap_or_default());
    (window, left)
}

/// The symbol at the top of the window and the length of its code, which is no short one.
fn next_symbol(window: u64) -> Option<(u16, u32)> {
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
    short: [(u8, u8); 1 << SHORT_BITS],
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
                        short[((code << free_bits) + rest) as usize] = (symbol as u8, len as u8);
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

    /// The codes of `symbols` with their padding: numbered as RFC 7541, Appendix B says, which is in the order of their
    /// lengths.
    fn encoded(symbols: &[u8]) -> Vec<u8> {
        let code_of = |wanted: usize| {
            let len = LENGTHS[wanted];
            let row = TABLES.by_length[usize::from(len)];
            let place = (0..wanted).filter(|symbol| LENGTHS[*symbol] == len).count();
            (row.first_code + u32::try_from(place).unwrap(), len)
        };
        let mut bits: Vec<bool> = Vec::new();
        for symbol in symbols {
            let (code, len) = code_of(usize::from(*symbol));
            bits.extend((0..len).rev().map(|place| code >> place & 1 == 1));
        }
        bits.resize(bits.len().next_multiple_of(8), true);
        bits.chunks(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect()
    }

    #[test]
    fn every_symbol_is_read_at_every_place_of_a_byte() {
        for symbol in 0..=u8::MAX {
            // Each `0` takes five bits, each `:` seven and each `&` eight.
            for before in [&b""[..], b"0", b"00", b"000", b"0000000", b":0", b"&&&&&&&&", b"00000000000000"] {
                let text = [before, &[symbol], b"/index", &[symbol, symbol], b".html?", &[symbol]].concat();
                assert_eq!(decoded(&encoded(&text)).as_deref(), Some(&text[..]));
            }
        }
    }
}
