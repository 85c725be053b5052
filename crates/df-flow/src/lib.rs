//! df-flow.
