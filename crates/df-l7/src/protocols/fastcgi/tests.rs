//! Tests of the FastCGI parser.
