//! Tables of fixed headers, properties, filters and codes.

use crate::Cursor;
use crate::protocols::mqtt::connect::{Connect, Front, front};
use crate::protocols::mqtt::properties::Properties;
use crate::protocols::mqtt::reasons::{error_name, is_known};
use crate::protocols::mqtt::subscribe::{Answers, Filters};
use crate::protocols::mqtt::wire::{Head, HeadError, Version};

#[test]
fn lengths_take_one_to_four_bytes() {
    for (bytes, expected) in [
        (&[0xc0, 0][..], Ok((2, 0))),
        (&[0x30, 0x7f], Ok((2, 127))),
        (&[0x30, 0x80, 0x01], Ok((3, 128))),
        (&[0x30, 0xff, 0xff, 0xff, 0x7f], Ok((5, 268_435_455))),
        (&[], Err(HeadError::Incomplete)),
        (&[0x30], Err(HeadError::Incomplete)),
        (&[0x30, 0xff, 0xff, 0xff], Err(HeadError::Incomplete)),
        (&[0x30, 0xff, 0xff, 0xff, 0xff], Err(HeadError::Unreadable)),
        // No type 0, no quality 3, no flags where there are none, no body too short or too long.
        (&[0x00, 5], Err(HeadError::Unreadable)),
        (&[0x36, 5], Err(HeadError::Unreadable)),
        (&[0x41, 2], Err(HeadError::Unreadable)),
        (&[0x60, 2], Err(HeadError::Unreadable)),
        (&[0x80, 6], Err(HeadError::Unreadable)),
        (&[0x82, 5], Err(HeadError::Unreadable)),
        (&[0xb0, 3], Err(HeadError::Unreadable)),
        (&[0xc0, 1], Err(HeadError::Unreadable)),
        (&[0x10, 11], Err(HeadError::Unreadable)),
    ] {
        let found = Head::read(bytes).map(|head| (head.prefix_bytes, head.body_bytes));
        assert_eq!(found, expected, "{bytes:02x?}");
    }
    let head = Head::read(&[0x3d, 9]).unwrap();
    assert_eq!((head.qos(), head.is_duplicate(), head.is_retained()), (2, true, true));
    assert!(!head.has_long_length() && Head::read(&[0x30, 0x89, 0]).unwrap().has_long_length());
}

#[test]
fn every_property_has_its_own_form() {
    let forms: [(&[u8], &[u8]); 4] = [
        (&[0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a, 0x0b], &[1]),
        (&[0x13, 0x21, 0x22, 0x23], &[0, 1]),
        (&[0x02, 0x11, 0x18, 0x27], &[0, 0, 0, 1]),
        (&[0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1a, 0x1c, 0x1f], &[0, 1, b'a']),
    ];
    let mut all = vec![0x26, 0, 1, b'k', 0, 1, b'v'];
    for (identifiers, value) in forms {
        all.extend(identifiers.iter().flat_map(|identifier| [&[*identifier], value].concat()));
    }
    let counted = [&[u8::try_from(all.len()).unwrap()][..], &all].concat();
    let properties = Properties::read_whole(&mut Cursor::new(&counted)).unwrap();
    assert_eq!(properties.clone().count(), 27);
    assert_eq!((properties.text(0x1f), properties.binary(0x09)), (Some("a"), Some(&b"a"[..])));
    for damaged in [&[2, 0x23, 0][..], &[1, 0x7f], &[3, 0x03, 0, 9], &[4, 0x03, 0, 1, 0], &[5, 0x01]] {
        assert!(Properties::read_whole(&mut Cursor::new(damaged)).is_none(), "{damaged:02x?}");
    }
}

#[test]
fn layouts_tell_the_version_where_only_one_fits() {
    let head = |first: u8, len: u8| Head::read(&[first, len]).unwrap();
    for (bytes, expected) in [
        (&b"\0\x01a\x01"[..], Some((Version::Three, 1))),
        (b"\0\x01a\x01\0\x01b\x02", Some((Version::Three, 2))),
        (b"\0\0\x01a\x2d", Some((Version::V5, 1))),
        (b"\x02\x0b\x07\0\x01a\x01", Some((Version::V5, 1))),
        (b"\0\x01a\x03", None),
        (b"\0\0\x01a\x40", None),
        (b"\0\x02a\x01", None),
        (b"", None),
    ] {
        let found = Filters::read(&head(0x82, 9), bytes, Version::Unknown);
        assert_eq!(found.map(|found| (found.version, found.shown.len())), expected, "{bytes:02x?}");
    }
    let many = b"\0\x01a\0".repeat(100);
    assert_eq!(Filters::read(&head(0x82, 9), &many, Version::V311).unwrap().shown.len(), 32);
    for (first, bytes, expected) in [
        (0x90, &[1][..], Some((Version::Three, Some(1)))),
        (0x90, &[0x80], Some((Version::Three, Some(0x80)))),
        // Either two filters, or one behind no properties: it was granted either way.
        (0x90, &[0, 1], Some((Version::Unknown, Some(1)))),
        (0x90, &[0, 0x87], Some((Version::V5, Some(0x87)))),
        (0x90, &[3], None),
        (0xb0, &[], Some((Version::Three, None))),
        (0xb0, &[0, 0x11], Some((Version::V5, Some(0x11)))),
        (0xb0, &[0x11], None),
    ] {
        let found = Answers::read(&head(first, 4), bytes, Version::Unknown);
        assert_eq!(found.map(|found| (found.version, found.highest())), expected, "{bytes:02x?}");
    }
}

#[test]
fn the_front_of_a_connection_contradicts_nothing() {
    for (bytes, expected) in [
        (&b"\0\x04MQTT\x04\x02\0\x3c"[..], Front::Of(Version::V311)),
        (b"\0\x04MQTT\x85\xc2\0\x3c", Front::Of(Version::V5)),
        (b"\0\x06MQIsdp\x03\x02\0\x3c", Front::Of(Version::V31)),
        (b"\0\x04MQTT\x04\x02\0", Front::Beginning),
        (b"\0", Front::Beginning),
        (b"", Front::Beginning),
        (b"\0\x04MQTT\x03\x02\0\x3c", Front::Stranger),
        (b"\0\x06MQIsdp\x04\x02\0\x3c", Front::Stranger),
        (b"\0\x04MQTT\x04\x01\0\x3c", Front::Stranger),
        (b"\0\x04MQTT\x04\x22\0\x3c", Front::Stranger),
        (b"\0\x04MQTT\x04\x1e\0\x3c", Front::Stranger),
        (b"\0\x04HTTP", Front::Stranger),
    ] {
        assert_eq!(front(bytes), expected, "{bytes:02x?}");
    }
    let will = b"\0\x04MQTT\x04\x2c\0\x3c\0\x01i\0\x01t\0\x01m";
    let connect = Connect::read(will).unwrap();
    assert_eq!(
        (connect.client_id, connect.will_topic, connect.will()),
        (Some("i"), Some("t"), Some((1, true)))
    );
    assert_eq!((error_name(0xa2), error_name(0xa3)), (Some("Wildcard Subscriptions not supported"), None));
    assert!(is_known(0x19) && !is_known(0x03) && !is_known(0xff));
}
