//! df-export.
