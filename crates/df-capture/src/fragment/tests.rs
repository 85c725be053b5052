//! The account of fragments, and what is refused.
