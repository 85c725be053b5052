//! Which protocol a connection speaks: the answers that a protocol's detection gives.

/// What the first bytes of one direction say about a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Detection {
    /// They are this protocol's.
    Match(Match),
    /// They may be; more bytes will tell.
    NeedMore,
    /// They are not.
    NoMatch,
}

impl Detection {
    /// A certain match, client and server as believed.
    pub const CERTAIN: Self = Self::Match(Match { reversed: false, confidence: Confidence::Certain });
    /// A certain match; the sender of the bytes believed to be the client is the server.
    pub const CERTAIN_REVERSED: Self = Self::Match(Match { reversed: true, confidence: Confidence::Certain });
    /// A match that needs a second proof of another kind.
    pub const HINT: Self = Self::Match(Match { reversed: false, confidence: Confidence::Hint });
    /// A match that needs a second proof of another kind, with client and server exchanged.
    pub const HINT_REVERSED: Self = Self::Match(Match { reversed: true, confidence: Confidence::Hint });
    /// A match that needs a second proof.
    pub const WEAK: Self = Self::Match(Match { reversed: false, confidence: Confidence::Weak });
    /// A match that needs a second proof, with client and server exchanged.
    pub const WEAK_REVERSED: Self = Self::Match(Match { reversed: true, confidence: Confidence::Weak });
}

/// A match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// Whether the bytes show that client and server are the other way round than believed.
    pub reversed: bool,
    /// How sure it is.
    pub confidence: Confidence,
}

/// How sure a match is, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Other protocols say the same again and again (`+OK`), so that another message of the same direction is no proof. The
    /// others of a weak match are.
    Hint,
    /// A second proof is needed: the other direction matches too, another message of the same direction matches too,
    /// the server's port is one of the protocol's own, or the server was found to speak it before.
    Weak,
    /// No other protocol starts like this.
    Certain,
}
