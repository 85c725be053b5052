//! Inputs made from a corpus by a fixed rule: the same corpus gives the same inputs, on any machine and by any compiler.

/// Gives `count` inputs of at most `max_len` bytes, each of them a seed with a few changes.
pub(super) fn inputs_from(seeds: &[Vec<u8>], count: usize, max_len: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut dice = Dice { state: 1 };
    (0..count).map(move |_| {
        let mut input = dice.pick(seeds).cloned().unwrap_or_default();
        for _ in 0..=dice.roll(MAX_CHANGES) {
            change(&mut input, seeds, &mut dice);
        }
        input.truncate(max_len);
        input
    })
}

/// What faults hide behind: wrong bytes and lengths, bytes that are missing, come twice or belong elsewhere.
fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let place = dice.roll(input.len() + 1);
    match dice.roll(8) {
        0 => overwrite(input, place, &[dice.byte()]),
        1 => overwrite(input, place, dice.pick(&TELLING).map_or(&[], |bytes| *bytes)),
        2 => {
            let bit = 1 << dice.roll(8);
            let changed = input.get(place).map(|byte| byte ^ bit);
            overwrite(input, place, changed.as_slice());
        }
        3 => {
            let nearby = i8::try_from(dice.roll(9)).unwrap_or_default() - 4;
            let changed = input.get(place).map(|byte| byte.wrapping_add_signed(nearby));
            overwrite(input, place, changed.as_slice());
        }
        4 => {
            let end = place + dice.length(input.len() - place);
            input.drain(place..end);
        }
        5 => {
            let piece = dice.piece_of(input);
            input.splice(place..place, piece);
        }
        6 => {
            let piece = dice.pick(seeds).map(|seed| dice.piece_of(seed)).unwrap_or_default();
            input.splice(place..place, piece);
        }
        _ => {
            let piece = dice.pick(seeds).map(|seed| dice.piece_of(seed)).unwrap_or_default();
            overwrite(input, place, &piece);
        }
    }
}

fn overwrite(input: &mut Vec<u8>, place: usize, bytes: &[u8]) {
    let end = input.len().min(place + bytes.len());
    input.splice(place..end, bytes.iter().copied());
}

/// A generator of numbers that look random (`SplitMix64`).
struct Dice {
    state: u64,
}

impl Dice {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `sides`, or 0.
    fn roll(&mut self, sides: usize) -> usize {
        let number = self.next() % u64::try_from(sides.max(1)).unwrap_or(u64::MAX);
        usize::try_from(number).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// A length of at most `most`, more often a short one.
    fn length(&mut self, most: usize) -> usize {
        let most = most.min(1 << self.roll(12));
        self.roll(most + 1)
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.roll(all.len()))
    }

    fn piece_of(&mut self, bytes: &[u8]) -> Vec<u8> {
        let start = self.roll(bytes.len());
        let end = start + self.length(bytes.len() - start);
        bytes.get(start..end).unwrap_or_default().to_vec()
    }
}

/// How many changes are made besides the first.
const MAX_CHANGES: usize = 6;
/// The ends of numbers of several widths, and what ends lines and texts.
const TELLING: [&[u8]; 12] = [
    &[0],
    &[0x7f],
    &[0x80],
    &[0xff],
    &[0, 0, 0, 0],
    &[0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xff],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0x7f],
    &[0, 0x10],
    b"\r\n",
    b" ",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_corpus_gives_the_same_inputs() {
        let seeds = [b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![7; 300]];
        let first: Vec<_> = inputs_from(&seeds, 500, 256).collect();
        assert_eq!(first, inputs_from(&seeds, 500, 256).collect::<Vec<_>>());
        assert!(first.iter().all(|input| input.len() <= 256));
        let mut distinct = first;
        distinct.sort();
        distinct.dedup();
        assert!(distinct.len() > 400, "{} distinct inputs", distinct.len());
        // Known from the generator's definition.
        assert_eq!(Dice { state: 0 }.next(), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn nothing_is_needed_to_begin_with() {
        assert_eq!(inputs_from(&[], 50, 256).count(), 50);
    }
}
