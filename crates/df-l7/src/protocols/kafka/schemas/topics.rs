//! Messages about topics, their partitions and their configuration.

use crate::protocols::kafka::schema::{
    ERROR, ERROR_TEXT, Field, I8, I16, I32, I64, PARTITION, TEXT, TOPIC, TOPIC_ID, group, list,
};

pub(in crate::protocols::kafka) const METADATA_REQUEST: &[Field] =
    &[list(&[TOPIC_ID.since(10), TOPIC]), I8.since(4), I8.since(8).until(10), I8.since(8)];

pub(in crate::protocols::kafka) const METADATA_RESPONSE: &[Field] = &[
    I32.since(3),
    list(&[I32, TEXT, I32, TEXT.since(1)]),
    TEXT.since(2),
    I32.since(1),
    list(&[
        ERROR,
        TOPIC,
        TOPIC_ID.since(10),
        I8.since(1),
        list(&[
            ERROR,
            I32,
            I32,
            I32.since(7),
            list(&[I32]).plain(),
            list(&[I32]).plain(),
            list(&[I32]).plain().since(5),
        ]),
        I32.since(8),
    ]),
    I32.since(8).until(10),
    ERROR.since(13),
];

pub(in crate::protocols::kafka) const CREATE_TOPICS_REQUEST: &[Field] =
    &[list(&[TOPIC, I32, I16, list(&[I32, list(&[I32]).plain()]), list(&[TEXT, TEXT])]), I32, I8.since(1)];

pub(in crate::protocols::kafka) const CREATE_TOPICS_RESPONSE: &[Field] = &[
    I32.since(2),
    list(&[
        TOPIC,
        TOPIC_ID.since(7),
        ERROR,
        ERROR_TEXT.since(1),
        I32.since(5),
        I16.since(5),
        list(&[TEXT.since(5), TEXT.since(5), I8.since(5), I8.since(5), I8.since(5)]).since(5),
    ]),
];

pub(in crate::protocols::kafka) const DELETE_TOPICS_REQUEST: &[Field] =
    &[list(&[TOPIC.since(6), TOPIC_ID.since(6)]).since(6), list(&[TOPIC]).plain().until(5), I32];

pub(in crate::protocols::kafka) const DELETE_TOPICS_RESPONSE: &[Field] =
    &[I32.since(1), list(&[TOPIC, TOPIC_ID.since(6), ERROR, ERROR_TEXT.since(5)])];

pub(in crate::protocols::kafka) const CREATE_PARTITIONS_REQUEST: &[Field] =
    &[list(&[TOPIC, I32, list(&[list(&[I32]).plain()])]), I32, I8];

pub(in crate::protocols::kafka) const CREATE_PARTITIONS_RESPONSE: &[Field] =
    &[I32, list(&[TOPIC, ERROR, ERROR_TEXT])];

pub(in crate::protocols::kafka) const DESCRIBE_TOPIC_PARTITIONS_REQUEST: &[Field] =
    &[list(&[TOPIC]), I32, group(&[TOPIC, I32]).nullable()];

pub(in crate::protocols::kafka) const DESCRIBE_TOPIC_PARTITIONS_RESPONSE: &[Field] = &[
    I32,
    list(&[
        ERROR,
        TOPIC,
        TOPIC_ID,
        I8,
        list(&[
            ERROR,
            I32,
            I32,
            I32,
            list(&[I32]).plain(),
            list(&[I32]).plain(),
            list(&[I32]).plain(),
            list(&[I32]).plain(),
            list(&[I32]).plain(),
        ]),
        I32,
    ]),
    group(&[TOPIC, I32]).nullable(),
];

pub(in crate::protocols::kafka) const DESCRIBE_CONFIGS_REQUEST: &[Field] =
    &[list(&[I8, TEXT, list(&[TEXT]).plain()]), I8.since(1), I8.since(3)];

pub(in crate::protocols::kafka) const DESCRIBE_CONFIGS_RESPONSE: &[Field] = &[
    I32,
    list(&[
        ERROR,
        ERROR_TEXT,
        I8,
        TEXT,
        list(&[
            TEXT,
            TEXT,
            I8,
            I8.since(1),
            I8.until(0),
            I8,
            list(&[TEXT.since(1), TEXT.since(1), I8.since(1)]).since(1),
            I8.since(3),
            TEXT.since(3),
        ]),
    ]),
];

pub(in crate::protocols::kafka) const ALTER_CONFIGS_REQUEST: &[Field] =
    &[list(&[I8, TEXT, list(&[TEXT, TEXT])]), I8];

pub(in crate::protocols::kafka) const ALTER_CONFIGS_RESPONSE: &[Field] =
    &[I32, list(&[ERROR, ERROR_TEXT, I8, TEXT])];

pub(in crate::protocols::kafka) const INCREMENTAL_ALTER_CONFIGS_REQUEST: &[Field] =
    &[list(&[I8, TEXT, list(&[TEXT, I8, TEXT])]), I8];

pub(in crate::protocols::kafka) const INCREMENTAL_ALTER_CONFIGS_RESPONSE: &[Field] =
    &[I32, list(&[ERROR, ERROR_TEXT, I8, TEXT])];

pub(in crate::protocols::kafka) const DESCRIBE_PRODUCERS_REQUEST: &[Field] =
    &[list(&[TOPIC, list(&[PARTITION]).plain()])];

pub(in crate::protocols::kafka) const DESCRIBE_PRODUCERS_RESPONSE: &[Field] =
    &[I32, list(&[TOPIC, list(&[I32, ERROR, ERROR_TEXT, list(&[I64, I32, I32, I64, I32, I64])])])];

pub(in crate::protocols::kafka) const DESCRIBE_LOG_DIRS_REQUEST: &[Field] =
    &[list(&[TOPIC, list(&[I32]).plain()])];

pub(in crate::protocols::kafka) const DESCRIBE_LOG_DIRS_RESPONSE: &[Field] = &[
    I32,
    ERROR.since(3),
    list(&[ERROR, TEXT, list(&[TOPIC, list(&[I32, I64, I64, I8])]), I64.since(4), I64.since(4), I8.since(5)]),
];

pub(in crate::protocols::kafka) const ELECT_LEADERS_REQUEST: &[Field] =
    &[I8.since(1), list(&[TOPIC, list(&[I32]).plain()]), I32];

pub(in crate::protocols::kafka) const ELECT_LEADERS_RESPONSE: &[Field] =
    &[I32, ERROR.since(1), list(&[TOPIC, list(&[I32, ERROR, ERROR_TEXT])])];
