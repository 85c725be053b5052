//! Messages that move records and their offsets.

use crate::protocols::kafka::schema::{
    ACKNOWLEDGMENTS, ERROR, ERROR_TEXT, Field, GROUP, I8, I32, I64, PARTITION, RECORDS, REST, TEXT, TOPIC,
    TOPIC_ID, TRANSACTION, UUID, list,
};

pub(in crate::protocols::kafka) const PRODUCE_REQUEST: &[Field] = &[
    TRANSACTION.since(3),
    ACKNOWLEDGMENTS,
    I32,
    list(&[TOPIC.until(12), TOPIC_ID.since(13), list(&[PARTITION, RECORDS])]),
];

pub(in crate::protocols::kafka) const PRODUCE_RESPONSE: &[Field] = &[
    list(&[
        TOPIC.until(12),
        TOPIC_ID.since(13),
        list(&[
            I32,
            ERROR,
            I64,
            I64.since(2),
            I64.since(5),
            list(&[I32.since(8), TEXT.since(8)]).since(8),
            ERROR_TEXT.since(8),
        ]),
    ]),
    REST,
];

pub(in crate::protocols::kafka) const FETCH_REQUEST: &[Field] = &[
    I32.until(14),
    I32,
    I32,
    I32.since(3),
    I8.since(4),
    I32.since(7),
    I32.since(7),
    list(&[
        TOPIC.until(12),
        TOPIC_ID.since(13),
        list(&[PARTITION, I32.since(9), I64, I32.since(12), I64.since(5), I32]),
    ]),
    list(&[TEXT.since(7).until(12), UUID.since(13), list(&[I32]).plain().since(7)]).since(7),
    TEXT.since(11),
];

pub(in crate::protocols::kafka) const FETCH_RESPONSE: &[Field] = &[
    I32.since(1),
    ERROR.since(7),
    I32.since(7),
    list(&[
        TOPIC.until(12),
        TOPIC_ID.since(13),
        list(&[
            I32,
            ERROR,
            I64,
            I64.since(4),
            I64.since(5),
            list(&[I64.since(4), I64.since(4)]).since(4),
            I32.since(11),
            RECORDS,
        ]),
    ]),
];

pub(in crate::protocols::kafka) const LIST_OFFSETS_REQUEST: &[Field] =
    &[I32, I8.since(2), list(&[TOPIC, list(&[PARTITION, I32.since(4), I64, I32.until(0)])]), I32.since(10)];

pub(in crate::protocols::kafka) const LIST_OFFSETS_RESPONSE: &[Field] = &[
    I32.since(2),
    list(&[
        TOPIC,
        list(&[I32, ERROR, list(&[I64]).plain().until(0), I64.since(1), I64.since(1), I32.since(4)]),
    ]),
];

pub(in crate::protocols::kafka) const DELETE_RECORDS_REQUEST: &[Field] =
    &[list(&[TOPIC, list(&[PARTITION, I64])]), I32];

pub(in crate::protocols::kafka) const DELETE_RECORDS_RESPONSE: &[Field] =
    &[I32, list(&[TOPIC, list(&[I32, I64, ERROR])])];

pub(in crate::protocols::kafka) const OFFSET_FOR_LEADER_EPOCH_REQUEST: &[Field] =
    &[I32.since(3), list(&[TOPIC, list(&[PARTITION, I32.since(2), I32])])];

pub(in crate::protocols::kafka) const OFFSET_FOR_LEADER_EPOCH_RESPONSE: &[Field] =
    &[I32.since(2), list(&[TOPIC, list(&[ERROR, I32, I32.since(1), I64])])];

pub(in crate::protocols::kafka) const SHARE_FETCH_REQUEST: &[Field] = &[
    GROUP,
    TEXT,
    I32,
    I32,
    I32,
    I32,
    I32.since(1),
    I32.since(1),
    I8.since(2),
    I8.since(2),
    list(&[TOPIC_ID, list(&[PARTITION, I32.until(0), list(&[I64, I64, list(&[I8]).plain()])])]),
    REST,
];

pub(in crate::protocols::kafka) const SHARE_FETCH_RESPONSE: &[Field] = &[I32, ERROR, ERROR_TEXT, REST];

pub(in crate::protocols::kafka) const SHARE_ACKNOWLEDGE_REQUEST: &[Field] = &[
    GROUP,
    TEXT,
    I32,
    I8.since(2),
    list(&[TOPIC_ID, list(&[PARTITION, list(&[I64, I64, list(&[I8]).plain()])])]),
];

pub(in crate::protocols::kafka) const SHARE_ACKNOWLEDGE_RESPONSE: &[Field] = &[I32, ERROR, ERROR_TEXT, REST];
