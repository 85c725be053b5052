//! Header blocks of the specification, and what is known of them when the beginning was missed.

use super::*;

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u32> = hexadecimal.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

fn decoded(decoder: &mut Decoder, block: &str) -> Vec<String> {
    let mut fields = FieldList::default();
    decoder.decode(&bytes(block), &mut fields).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut lines: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect();
    if fields.has_unknown() {
        lines.push("?".to_owned());
    }
    lines
}

/// RFC 7541, C.4: three requests with Huffman coding.
const REQUESTS: [&str; 3] = [
    "828684418cf1e3c2e5f23a6ba0ab90f4ff",
    "828684be5886a8eb10649cbf",
    "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
];

#[test]
fn requests_of_the_specification() {
    let mut decoder = Decoder::default();
    let first = [":method=GET", ":scheme=http", ":path=/", ":authority=www.example.com"];
    assert_eq!(decoded(&mut decoder, REQUESTS[0]), first);
    let second =
        [":method=GET", ":scheme=http", ":path=/", ":authority=www.example.com", "cache-control=no-cache"];
    assert_eq!(decoded(&mut decoder, REQUESTS[1]), second);
    let third = [
        ":method=GET",
        ":scheme=https",
        ":path=/index.html",
        ":authority=www.example.com",
        "custom-key=custom-value",
    ];
    assert_eq!(decoded(&mut decoder, REQUESTS[2]), third);
}

/// RFC 7541, C.6: three responses, the table limited to 256 bytes, so that entries are evicted.
#[test]
fn responses_of_the_specification() {
    let mut decoder = Decoder::default();
    decoder.decode(&bytes("3fe101"), &mut FieldList::default()).unwrap();
    let first = concat!(
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad1718",
        "63c78f0b97c8e9ae82ae43d3"
    );
    let dated = "date=Mon, 21 Oct 2013 20:13:21 GMT";
    let expected = [":status=302", "cache-control=private", dated, "location=https://www.example.com"];
    assert_eq!(decoded(&mut decoder, first), expected);
    let expected = [":status=307", "cache-control=private", dated, "location=https://www.example.com"];
    assert_eq!(decoded(&mut decoder, "4883640effc1c0bf"), expected);
    let third = concat!(
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335df",
        "dfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"
    );
    let expected = [
        ":status=200",
        "cache-control=private",
        "date=Mon, 21 Oct 2013 20:13:22 GMT",
        "location=https://www.example.com",
        "content-encoding=gzip",
        "set-cookie=foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ];
    assert_eq!(decoded(&mut decoder, third), expected);
}

#[test]
fn what_was_missed_is_unknown_and_never_wrong() {
    // Joined at the second request: the authority is not known, what is added since then is.
    let mut decoder = Decoder::default();
    let second = [":method=GET", ":scheme=http", ":path=/", "cache-control=no-cache", "?"];
    assert_eq!(decoded(&mut decoder, REQUESTS[1]), second);
    let third = [":method=GET", ":scheme=https", ":path=/index.html", "custom-key=custom-value", "?"];
    assert_eq!(decoded(&mut decoder, REQUESTS[2]), third);
    assert_eq!(decoded(&mut decoder, "bebfc0"), ["custom-key=custom-value", "cache-control=no-cache", "?"]);
    // A literal whose name is taken from an unknown entry counts as an entry, too.
    assert_eq!(decoded(&mut decoder, "7f010161bebf"), ["custom-key=custom-value", "?"]);
    decoder.forget();
    assert_eq!(decoded(&mut decoder, "bebf"), ["?"]);
}

#[test]
fn malformed_blocks() {
    for block in ["80", "ff", "ffffffffffff", "4001", "40016105", "4082ffff0161", "0f"] {
        let mut decoder = Decoder::default();
        let mut fields = FieldList::default();
        let whole = [bytes("82"), bytes(block)].concat();
        assert_eq!(decoder.decode(&whole, &mut fields), Err(Malformed), "{block}");
        assert_eq!(fields.find(b":method"), Some(&b"GET"[..]), "what stood before is read: {block}");
    }
}

#[test]
fn few_bytes_give_no_more_fields_than_the_bound() {
    let mut decoder = Decoder::default();
    let mut block = bytes("4001617f");
    block.extend_from_slice(&[0x81, 0x1e]);
    block.extend(std::iter::repeat_n(b'x', 4_001 - 128 + 128));
    block.truncate(4 + 2 + 127 + 1 + 30 * 128);
    let mut fields = FieldList::default();
    decoder.decode(&block, &mut fields).unwrap();
    let bomb = vec![0xbe; 16_000];
    decoder.decode(&bomb, &mut fields).unwrap();
    let total: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(total <= 65_536 && fields.has_unknown(), "{total}");
}
