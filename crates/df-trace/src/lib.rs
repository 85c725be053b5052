//! df-trace.
