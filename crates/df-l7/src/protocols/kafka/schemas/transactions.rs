//! Messages of producers with identifiers and transactions.

use crate::protocols::kafka::schema::{
    ERROR, Field, GROUP, I8, I16, I32, I64, PARTITION, REST, TEXT, TOPIC, TRANSACTION, list,
};

pub(in crate::protocols::kafka) const INIT_PRODUCER_ID_REQUEST: &[Field] =
    &[TRANSACTION, I32, I64.since(3), I16.since(3), I8.since(6), I8.since(6)];

pub(in crate::protocols::kafka) const INIT_PRODUCER_ID_RESPONSE: &[Field] = &[I32, ERROR, REST];

pub(in crate::protocols::kafka) const ADD_PARTITIONS_TO_TXN_REQUEST: &[Field] = &[
    list(&[
        TRANSACTION.since(4),
        I64.since(4),
        I16.since(4),
        I8.since(4),
        list(&[TOPIC, list(&[PARTITION]).plain()]).since(4),
    ])
    .since(4),
    TEXT.until(3),
    I64.until(3),
    I16.until(3),
    list(&[TOPIC, list(&[PARTITION]).plain()]).until(3),
];

pub(in crate::protocols::kafka) const ADD_PARTITIONS_TO_TXN_RESPONSE: &[Field] = &[
    I32,
    ERROR.since(4),
    list(&[TRANSACTION.since(4), list(&[TOPIC, list(&[I32, ERROR])]).since(4)]).since(4),
    list(&[TOPIC, list(&[I32, ERROR])]).until(3),
];

pub(in crate::protocols::kafka) const ADD_OFFSETS_TO_TXN_REQUEST: &[Field] = &[TRANSACTION, I64, I16, GROUP];

pub(in crate::protocols::kafka) const ADD_OFFSETS_TO_TXN_RESPONSE: &[Field] = &[I32, ERROR];

pub(in crate::protocols::kafka) const END_TXN_REQUEST: &[Field] = &[TRANSACTION, I64, I16, I8];

pub(in crate::protocols::kafka) const END_TXN_RESPONSE: &[Field] = &[I32, ERROR, REST];

pub(in crate::protocols::kafka) const TXN_OFFSET_COMMIT_REQUEST: &[Field] = &[
    TRANSACTION,
    GROUP,
    I64,
    I16,
    I32.since(3),
    TEXT.since(3),
    TEXT.since(3),
    list(&[TOPIC, list(&[PARTITION, I64, I32.since(2), TEXT])]),
];

pub(in crate::protocols::kafka) const TXN_OFFSET_COMMIT_RESPONSE: &[Field] =
    &[I32, list(&[TOPIC, list(&[I32, ERROR])])];
