//! Conversations, cut and whole.
