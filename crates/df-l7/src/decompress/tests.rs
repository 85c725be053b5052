//! What real compressors wrote: whole, cut at every byte, cut by the limit, and damaged.

use proptest::prelude::*;

use super::*;

type Decompressor = fn(&[u8], usize) -> Option<Head>;

/// The plain text of all samples.
fn text() -> Vec<u8> {
    (0..12).flat_map(|n| format!("{{\"name\":\"user{}\",\"n\":{n}}}", n % 7).into_bytes()).collect()
}

/// Name, function, and what a real compressor (zlib, gzip, snappy, zstd and lz4 for Python; the xerial stream put
/// together from snappy blocks) made of [`text`].
const SAMPLES: &[(&str, Decompressor, &str)] = &[
    (
        "zlib",
        zlib,
        "789c6dce2b1280300c05c0bb3c8d48fa037a1b44251530a84eef8e08823713bb6a07fa7136543c77bb040b3aaaccf1573555d6601a58a369644da689359b66d6625a58bfd9eace3677b6bb3315b7a63a5fc3dd4f88",
    ),
    (
        "gzip",
        gzip,
        "1f8b08000000000002036dce2b1280300c05c0bb3c8d48fa037a1b44251530a84eef8e08823713bb6a07fa7136543c77bb040b3aaaccf1573555d6601a58a369644da689359b66d6625a58bfd9eace3677b6bb3315b7a63a5f171df08c0a010000",
    ),
    (
        "gzip with a name",
        gzip,
        "1f8b0808000000000203612e6a736f6e006dce2b1280300c05c0bb3c8d48fa037a1b44251530a84eef8e08823713bb6a07fa7136543c77bb040b3aaaccf1573555d6601a58a369644da689359b66d6625a58bfd9eace3677b6bb3315b7a63a5f171df08c0a010000",
    ),
    (
        "deflate",
        deflate,
        "6dce2b1280300c05c0bb3c8d48fa037a1b44251530a84eef8e08823713bb6a07fa7136543c77bb040b3aaaccf1573555d6601a58a369644da689359b66d6625a58bfd9eace3677b6bb3315b7a63a5f",
    ),
    (
        "snappy",
        snappy,
        "8a02547b226e616d65223a227573657230222c226e223a307d3216000031091600313616000032091600323616000033091600333616000034091600343616000035091600353616000036091600363616000d9a00373616000d9a00383616000d9a00393616000d9a00313add002434222c226e223a31317d",
    ),
    (
        "snappy in frames",
        snappy_framed,
        "ff060000734e61507059007d00005cde99878a02547b226e616d65223a227573657230222c226e223a307d3216000031091600313616000032091600323616000033091600333616000034091600343616000035091600353616000036091600363616000d9a00373616000d9a00383616000d9a00393616000d9a00313add002434222c226e223a31317d",
    ),
    (
        "snappy of Java",
        snappy_framed,
        "82534e41505059000000000100000001000000798a02547b226e616d65223a227573657230222c226e223a307d3216000031091600313616000032091600323616000033091600333616000034091600343616000035091600353616000036091600363616000d9a00373616000d9a00383616000d9a00393616000d9a00313add002434222c226e223a31317d",
    ),
    (
        "zstd",
        zstd,
        "28b52ffd640a00e50200d4027b226e616d65223a227573657230222c226e223a307d313132323333343435353636303731383239333134317d16009009d8f40303035200764032800990073006a400ec80640013200f600c4801d801c90026401ec0983ca618b469677d",
    ),
    (
        "lz4 block",
        lz4_block,
        "f9077b226e616d65223a227573657230222c226e223a307d1600123116001a311600123216001a321600123316001a331600123416001a341600123516001a351600123616001a361600039a001a371600039a001a381600039a001a391600039a001b31dd00a034222c226e223a31317d",
    ),
    (
        "lz4 frame",
        lz4_frame,
        "04224d1868400a010000000000001871000000f9077b226e616d65223a227573657230222c226e223a307d1600123116001a311600123216001a321600123316001a331600123416001a341600123516001a351600123616001a361600039a001a371600039a001a381600039a001a391600039a001b31dd00a034222c226e223a31317d00000000",
    ),
];

fn bytes_of(digits: &str) -> Vec<u8> {
    let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    digits.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[test]
fn real_compressors() {
    for (name, decompressor, sample) in SAMPLES {
        let head = decompressor(&bytes_of(sample), 4_096);
        assert_eq!(head, Some(Head { bytes: text(), is_whole: true }), "{name}");
        let exact = decompressor(&bytes_of(sample), text().len());
        assert_eq!(exact, Some(Head { bytes: text(), is_whole: true }), "{name} with just enough room");
    }
}

#[test]
fn the_limit_cuts() {
    for (name, decompressor, sample) in SAMPLES {
        for limit in [1, 21, 22, 100, text().len() - 1] {
            let head = decompressor(&bytes_of(sample), limit).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(
                (head.bytes.as_slice(), head.is_whole),
                (&text()[..limit], false),
                "{name} at {limit}"
            );
        }
    }
}

#[test]
fn cut_input_gives_what_is_known() {
    for (name, decompressor, sample) in SAMPLES {
        let sample = bytes_of(sample);
        for len in 0..sample.len() {
            let Some(head) = decompressor(&sample[..len], 4_096) else { continue };
            assert!(text().starts_with(&head.bytes), "{name} cut at {len}");
            // Neither streams of Snappy blocks nor raw LZ4 blocks tell their end.
            let may_end = name.starts_with("snappy ") || *name == "lz4 block";
            assert!(!head.is_whole || head.bytes == text() || may_end, "{name} cut at {len}");
        }
        if *name != "zstd" {
            let most =
                decompressor(&sample[..sample.len() / 4 * 3], 4_096).unwrap_or_else(|| panic!("{name}"));
            assert!(most.bytes.len() > 20, "{name}: {} bytes", most.bytes.len());
        }
    }
}

#[test]
fn zstd_of_several_blocks_is_read_as_far_as_it_goes() {
    // A frame without content size: a raw block, an RLE block, a raw block that is cut.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    frame.extend_from_slice(&[3 << 3, 0, 0, b'a', b'b', b'c']);
    frame.extend_from_slice(&[(1 << 1) | (5 << 3), 0, 0, b'd']);
    frame.extend_from_slice(&[1 | (4 << 3), 0, 0, b'e']);
    let head = |max_bytes| zstd(&frame, max_bytes).map(|head| (head.bytes, head.is_whole));
    assert_eq!(head(100), Some((b"abcddddd".to_vec(), false)));
    assert_eq!(head(2), Some((b"ab".to_vec(), false)));
}

#[test]
fn bombs_stay_within_the_limit() {
    let mut runs = vec![0x1f, b'a', 1, 0];
    runs.extend(std::iter::repeat_n(0xff, 1 << 16));
    runs.extend_from_slice(&[0, 0x50, b'a', b'b', b'c', b'd', b'e']);
    let head = lz4_block(&runs, 1_000).unwrap();
    assert_eq!((head.bytes, head.is_whole), (vec![b'a'; 1_000], false));
    // Snappy that announces four gigabytes and holds one byte.
    let head = snappy(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0, b'x'], usize::MAX).unwrap();
    assert!(head.bytes == b"x" && !head.is_whole && head.bytes.capacity() < 1_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damage_is_survived(which in 0..SAMPLES.len(), place in any::<prop::sample::Index>(), byte in any::<u8>(), limit in 0_usize..600) {
        let (_, decompressor, sample) = SAMPLES[which];
        let mut sample = bytes_of(sample);
        let place = place.index(sample.len());
        sample[place] = byte;
        let head = decompressor(&sample, limit);
        prop_assert!(head.is_none_or(|head| head.bytes.len() <= limit));
    }

    #[test]
    fn noise_is_survived(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        for (_, decompressor, sample) in SAMPLES {
            let mut bytes = bytes_of(sample);
            bytes.truncate(12);
            bytes.extend_from_slice(&noise);
            let _ = decompressor(&noise, 1_000);
            prop_assert!(decompressor(&bytes, 1_000).is_none_or(|head| head.bytes.len() <= 1_000));
        }
    }
}

#[test]
fn a_body_is_inflated_however_it_is_cut() {
    for (name, coding) in [("zlib", Coding::Zlib), ("gzip", Coding::Gzip), ("gzip with a name", Coding::Gzip)]
    {
        let (.., sample) = SAMPLES.iter().find(|(sample, ..)| *sample == name).unwrap();
        let compressed = [bytes_of(sample), b"something behind it".to_vec()].concat();
        for len in [1, 2, 3, 7, 50, compressed.len()] {
            assert_eq!(inflated(coding, &compressed, len), text(), "{name} in pieces of {len}");
        }
    }
}

fn inflated(coding: Coding, body: &[u8], len: usize) -> Vec<u8> {
    let (mut inflater, mut plain) = (Inflater::new(coding).unwrap(), Vec::new());
    body.chunks(len).for_each(|piece| inflater.handle(piece, |bytes| plain.extend_from_slice(bytes)));
    plain
}

#[test]
fn a_damaged_body_gives_the_same_however_it_is_cut() {
    let long: Vec<u8> = (0..12_000_u32).flat_map(|n| (n * n).to_string().into_bytes()).collect();
    let body = miniz_oxide::deflate::compress_to_vec_zlib(&long, 6);
    for place in (0..60).chain((60..body.len()).step_by(2_999)) {
        let mut damaged = body.clone();
        damaged[place] ^= 0x55;
        let whole = inflated(Coding::Zlib, &damaged, usize::MAX);
        for len in [1, 100, 4_096] {
            assert!(whole == inflated(Coding::Zlib, &damaged, len), "byte {place} in pieces of {len}");
        }
    }
}

#[test]
fn a_body_that_is_too_good_to_be_true_is_given_up() {
    let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![b' '; 10_000_000], 9);
    let given = |len| {
        let (mut inflater, mut plain) = (Inflater::new(Coding::Zlib).unwrap(), 0);
        bomb.chunks(len).for_each(|piece| inflater.handle(piece, |bytes| plain += bytes.len()));
        plain
    };
    assert!((100_000..2_000_000).contains(&given(100)), "{} bytes", given(100));
    assert_eq!([1, 7, 512, 20_000].map(given), [given(100); 4], "however it is cut");
    let (head, tail) = (&bytes_of(SAMPLES[2].2)[..10], &bytes_of(SAMPLES[2].2)[10..]);
    for name_len in [1_000, 1_007, 1_008, 1_009, 1_100] {
        let long_name = [head, &vec![b'x'; name_len], tail].concat();
        let given = [1, 2, 300, 5_000].map(|len| inflated(Coding::Gzip, &long_name, len));
        assert!(
            given.iter().all(|given| *given == if name_len < 1_008 { text() } else { Vec::new() }),
            "a name of {name_len}"
        );
    }
    let mut foreign = Inflater::new(Coding::Gzip).unwrap();
    foreign.handle(b"no gzip", |bytes| assert_eq!(bytes, b"", "what is not gzip gives nothing"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_bodies_are_survived(body in proptest::collection::vec(any::<u8>(), 0..300), len in 1_usize..40) {
        for coding in [Coding::Gzip, Coding::Zlib] {
            for start in [&b""[..], b"\x1f\x8b\x08\0\0\0\0\0\0\0", b"\x78\x9c"] {
                let mut inflater = Inflater::new(coding).unwrap();
                for piece in [start, &body].concat().chunks(len) {
                    inflater.handle(piece, |_| {});
                }
            }
        }
    }
}
