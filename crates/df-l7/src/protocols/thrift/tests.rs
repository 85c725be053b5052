//! Tests of the Thrift parser.
