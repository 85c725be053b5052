//! Tests of the ClickHouse parser.
