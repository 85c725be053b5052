//! Tests of the memcached parser.
