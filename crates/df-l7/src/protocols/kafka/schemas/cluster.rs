//! Messages about the connection, the cluster and who may do what.

use crate::protocols::kafka::schema::{
    BYTES, ERROR, ERROR_TEXT, Field, I8, I32, MECHANISM, REST, TEXT, UUID, list,
};

pub(in crate::protocols::kafka) const SASL_HANDSHAKE_REQUEST: &[Field] = &[MECHANISM];

pub(in crate::protocols::kafka) const SASL_HANDSHAKE_RESPONSE: &[Field] = &[ERROR, REST];

pub(in crate::protocols::kafka) const SASL_AUTHENTICATE_REQUEST: &[Field] = &[BYTES];

pub(in crate::protocols::kafka) const SASL_AUTHENTICATE_RESPONSE: &[Field] = &[ERROR, ERROR_TEXT, REST];

pub(in crate::protocols::kafka) const API_VERSIONS_REQUEST: &[Field] = &[TEXT.since(3), TEXT.since(3)];

pub(in crate::protocols::kafka) const API_VERSIONS_RESPONSE: &[Field] = &[ERROR, REST];

pub(in crate::protocols::kafka) const DESCRIBE_CLUSTER_REQUEST: &[Field] = &[I8, I8.since(1), I8.since(2)];

pub(in crate::protocols::kafka) const DESCRIBE_CLUSTER_RESPONSE: &[Field] = &[I32, ERROR, ERROR_TEXT, REST];

pub(in crate::protocols::kafka) const DESCRIBE_ACLS_REQUEST: &[Field] =
    &[I8, TEXT, I8.since(1), TEXT, TEXT, I8, I8];

pub(in crate::protocols::kafka) const DESCRIBE_ACLS_RESPONSE: &[Field] = &[I32, ERROR, ERROR_TEXT, REST];

pub(in crate::protocols::kafka) const CREATE_ACLS_REQUEST: &[Field] =
    &[list(&[I8, TEXT, I8.since(1), TEXT, TEXT, I8, I8])];

pub(in crate::protocols::kafka) const CREATE_ACLS_RESPONSE: &[Field] = &[I32, list(&[ERROR, ERROR_TEXT])];

pub(in crate::protocols::kafka) const GET_TELEMETRY_SUBSCRIPTIONS_REQUEST: &[Field] = &[UUID];

pub(in crate::protocols::kafka) const GET_TELEMETRY_SUBSCRIPTIONS_RESPONSE: &[Field] = &[I32, ERROR, REST];

pub(in crate::protocols::kafka) const PUSH_TELEMETRY_REQUEST: &[Field] = &[UUID, I32, I8, I8, BYTES];

pub(in crate::protocols::kafka) const PUSH_TELEMETRY_RESPONSE: &[Field] = &[I32, ERROR];
