//! Messages of consumer groups and their coordinators.

use crate::protocols::kafka::schema::{
    BYTES, COORDINATOR_KEY, COORDINATOR_KIND, ERROR, ERROR_TEXT, Field, GROUP, I8, I32, I64, PARTITION, REST,
    TEXT, TOPIC, TOPIC_ID, UUID, list,
};

pub(in crate::protocols::kafka) const OFFSET_COMMIT_REQUEST: &[Field] = &[
    GROUP,
    I32.since(1),
    TEXT.since(1),
    TEXT.since(7),
    I64.since(2).until(4),
    list(&[
        TOPIC.until(9),
        TOPIC_ID.since(10),
        list(&[PARTITION, I64, I32.since(6), I64.since(1).until(1), TEXT]),
    ]),
];

pub(in crate::protocols::kafka) const OFFSET_COMMIT_RESPONSE: &[Field] =
    &[I32.since(3), list(&[TOPIC.until(9), TOPIC_ID.since(10), list(&[I32, ERROR])])];

pub(in crate::protocols::kafka) const OFFSET_FETCH_REQUEST: &[Field] = &[
    GROUP.until(7),
    list(&[TOPIC.until(7), list(&[PARTITION]).plain().until(7)]).until(7),
    list(&[
        GROUP.since(8),
        TEXT.since(9),
        I32.since(9),
        list(&[TOPIC.since(8).until(9), TOPIC_ID.since(10), list(&[PARTITION]).plain().since(8)]).since(8),
    ])
    .since(8),
    I8.since(7),
];

pub(in crate::protocols::kafka) const OFFSET_FETCH_RESPONSE: &[Field] = &[
    I32.since(3),
    list(&[
        TOPIC.until(7),
        list(&[I32.until(7), I64.until(7), I32.since(5).until(7), TEXT.until(7), ERROR.until(7)]).until(7),
    ])
    .until(7),
    ERROR.since(2).until(7),
    list(&[
        GROUP.since(8),
        list(&[
            TOPIC.since(8).until(9),
            TOPIC_ID.since(10),
            list(&[I32.since(8), I64.since(8), I32.since(8), TEXT.since(8), ERROR.since(8)]).since(8),
        ])
        .since(8),
        ERROR.since(8),
    ])
    .since(8),
];

pub(in crate::protocols::kafka) const FIND_COORDINATOR_REQUEST: &[Field] =
    &[COORDINATOR_KEY.until(3), COORDINATOR_KIND.since(1), list(&[COORDINATOR_KEY]).plain().since(4)];

pub(in crate::protocols::kafka) const FIND_COORDINATOR_RESPONSE: &[Field] = &[
    I32.since(1),
    ERROR.until(3),
    ERROR_TEXT.since(1).until(3),
    I32.until(3),
    TEXT.until(3),
    I32.until(3),
    list(&[TEXT.since(4), I32.since(4), TEXT.since(4), I32.since(4), ERROR.since(4), ERROR_TEXT.since(4)])
        .since(4),
];

pub(in crate::protocols::kafka) const JOIN_GROUP_REQUEST: &[Field] =
    &[GROUP, I32, I32.since(1), TEXT, TEXT.since(5), TEXT, list(&[TEXT, BYTES]), TEXT.since(8)];

pub(in crate::protocols::kafka) const JOIN_GROUP_RESPONSE: &[Field] = &[I32.since(2), ERROR, REST];

pub(in crate::protocols::kafka) const HEARTBEAT_REQUEST: &[Field] = &[GROUP, I32, TEXT, TEXT.since(3)];

pub(in crate::protocols::kafka) const HEARTBEAT_RESPONSE: &[Field] = &[I32.since(1), ERROR];

pub(in crate::protocols::kafka) const LEAVE_GROUP_REQUEST: &[Field] =
    &[GROUP, TEXT.until(2), list(&[TEXT.since(3), TEXT.since(3), TEXT.since(5)]).since(3)];

pub(in crate::protocols::kafka) const LEAVE_GROUP_RESPONSE: &[Field] =
    &[I32.since(1), ERROR, list(&[TEXT.since(3), TEXT.since(3), ERROR.since(3)]).since(3)];

pub(in crate::protocols::kafka) const SYNC_GROUP_REQUEST: &[Field] =
    &[GROUP, I32, TEXT, TEXT.since(3), TEXT.since(5), TEXT.since(5), list(&[TEXT, BYTES])];

pub(in crate::protocols::kafka) const SYNC_GROUP_RESPONSE: &[Field] = &[I32.since(1), ERROR, REST];

pub(in crate::protocols::kafka) const DESCRIBE_GROUPS_REQUEST: &[Field] =
    &[list(&[GROUP]).plain(), I8.since(3)];

pub(in crate::protocols::kafka) const DESCRIBE_GROUPS_RESPONSE: &[Field] = &[
    I32.since(1),
    list(&[
        ERROR,
        ERROR_TEXT.since(6),
        GROUP,
        TEXT,
        TEXT,
        TEXT,
        list(&[TEXT, TEXT.since(4), TEXT, TEXT, BYTES, BYTES]),
        I32.since(3),
    ]),
];

pub(in crate::protocols::kafka) const LIST_GROUPS_REQUEST: &[Field] =
    &[list(&[TEXT]).plain().since(4), list(&[TEXT]).plain().since(5)];

pub(in crate::protocols::kafka) const LIST_GROUPS_RESPONSE: &[Field] =
    &[I32.since(1), ERROR, list(&[GROUP, TEXT, TEXT.since(4), TEXT.since(5)])];

pub(in crate::protocols::kafka) const DELETE_GROUPS_REQUEST: &[Field] = &[list(&[GROUP]).plain()];

pub(in crate::protocols::kafka) const DELETE_GROUPS_RESPONSE: &[Field] = &[I32, list(&[GROUP, ERROR])];

pub(in crate::protocols::kafka) const OFFSET_DELETE_REQUEST: &[Field] =
    &[GROUP, list(&[TOPIC, list(&[PARTITION])])];

pub(in crate::protocols::kafka) const OFFSET_DELETE_RESPONSE: &[Field] =
    &[ERROR, I32, list(&[TOPIC, list(&[I32, ERROR])])];

pub(in crate::protocols::kafka) const CONSUMER_GROUP_HEARTBEAT_REQUEST: &[Field] = &[
    GROUP,
    TEXT,
    I32,
    TEXT,
    TEXT,
    I32,
    list(&[TOPIC]).plain(),
    TEXT.since(1),
    TEXT,
    list(&[UUID, list(&[I32]).plain()]),
];

pub(in crate::protocols::kafka) const CONSUMER_GROUP_HEARTBEAT_RESPONSE: &[Field] =
    &[I32, ERROR, ERROR_TEXT, REST];

pub(in crate::protocols::kafka) const SHARE_GROUP_HEARTBEAT_REQUEST: &[Field] =
    &[GROUP, TEXT, I32, TEXT, list(&[TOPIC]).plain()];

pub(in crate::protocols::kafka) const SHARE_GROUP_HEARTBEAT_RESPONSE: &[Field] =
    &[I32, ERROR, ERROR_TEXT, REST];

pub(in crate::protocols::kafka) const CONSUMER_GROUP_DESCRIBE_REQUEST: &[Field] =
    &[list(&[GROUP]).plain(), I8];

pub(in crate::protocols::kafka) const CONSUMER_GROUP_DESCRIBE_RESPONSE: &[Field] =
    &[I32, list(&[ERROR, ERROR_TEXT, GROUP, TEXT, REST])];
