//! Counts what became of fragments.

/// What became of the fragments of IP datagrams: each is reassembled, dropped for one reason, or held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FragmentStats {
    /// Fragments taken.
    pub fragments: u64,
    /// Datagrams put together.
    pub datagrams: u64,
    /// The fragments that they came in, repeated ones included.
    pub reassembled: u64,
    /// Fragments dropped because others of their datagram did not come in time.
    pub timed_out: u64,
    /// Fragments dropped because their datagram had fragments that overlap or contradict each other, or too many.
    pub refused: u64,
    /// Fragments dropped because they are empty, end where none may end, or reach beyond the longest datagram.
    pub malformed: u64,
    /// Fragments dropped because too many datagrams or bytes waited.
    pub evicted: u64,
}

impl FragmentStats {
    /// Fragments dropped, for whatever reason.
    pub const fn dropped(&self) -> u64 {
        self.timed_out
            .saturating_add(self.refused)
            .saturating_add(self.malformed)
            .saturating_add(self.evicted)
    }

    /// Fragments that wait for others of their datagram.
    pub const fn held(&self) -> u64 {
        self.fragments.saturating_sub(self.reassembled).saturating_sub(self.dropped())
    }

    /// Adds the counts of another thread or source.
    pub const fn merge(&mut self, other: &Self) {
        self.fragments = self.fragments.saturating_add(other.fragments);
        self.datagrams = self.datagrams.saturating_add(other.datagrams);
        self.reassembled = self.reassembled.saturating_add(other.reassembled);
        self.timed_out = self.timed_out.saturating_add(other.timed_out);
        self.refused = self.refused.saturating_add(other.refused);
        self.malformed = self.malformed.saturating_add(other.malformed);
        self.evicted = self.evicted.saturating_add(other.evicted);
    }
}
