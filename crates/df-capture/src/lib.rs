//! df-capture.
