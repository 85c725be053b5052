//! Tests of reading records.
