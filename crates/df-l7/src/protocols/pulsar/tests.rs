//! Tests of the Pulsar parser.
