//! The commands of the text protocol: their names and where their keys and lengths stand.

/// A command of the text protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) name: &'static str,
    pub(super) form: Form,
}

/// What follows a command's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Keys.
    Retrieve,
    /// An expiry time, then keys.
    RetrieveAndTouch,
    /// `key flags exptime bytes [noreply]`, then a value.
    Store,
    /// `key flags exptime bytes cas [noreply]`, then a value.
    Compare,
    /// `key` and perhaps a number, `noreply`.
    Change,
    /// `key flag...`.
    Meta,
    /// `key bytes flag...`, then a value.
    MetaStore,
    /// Words of the command's own, perhaps `noreply`.
    Other,
    /// Words of the command's own; the server never answers.
    Unanswered,
}

impl Form {
    /// Where among the words behind the name the value's length stands.
    pub(super) const fn length_place(self) -> Option<usize> {
        match self {
            Self::Store | Self::Compare => Some(3),
            Self::MetaStore => Some(1),
            _ => None,
        }
    }

    /// Whether the word at this place behind the name is a key, or a number that belongs to the data.
    pub(super) const fn hides(self, place: usize) -> bool {
        match self {
            Self::Retrieve | Self::Change => true,
            Self::RetrieveAndTouch => place > 0,
            Self::Store | Self::Compare | Self::Meta | Self::MetaStore => place == 0,
            Self::Other | Self::Unanswered => false,
        }
    }

    pub(super) const fn is_meta(self) -> bool {
        matches!(self, Self::Meta | Self::MetaStore)
    }

    pub(super) const fn is_retrieval(self) -> bool {
        matches!(self, Self::Retrieve | Self::RetrieveAndTouch)
    }
}

/// The command of this name, which is written in small letters.
pub(super) fn named(word: &[u8]) -> Option<Command> {
    let place = COMMANDS.binary_search_by(|(name, _)| name.as_bytes().cmp(word)).ok()?;
    COMMANDS.get(place).map(|&(name, form)| Command { name, form })
}

/// Whether any command's name starts with `word`.
pub(super) fn any_starts_with(word: &[u8]) -> bool {
    COMMANDS.iter().any(|(name, _)| name.as_bytes().starts_with(word))
}

/// The longest name in the table.
pub(super) const MAX_NAME_BYTES: usize = 14;

/// In ascending order.
const COMMANDS: &[(&str, Form)] = &[
    ("add", Form::Store),
    ("append", Form::Store),
    ("cache_memlimit", Form::Other),
    ("cas", Form::Compare),
    ("config", Form::Other),
    ("debug", Form::Other),
    ("decr", Form::Change),
    ("delete", Form::Change),
    ("extstore", Form::Other),
    ("flush_all", Form::Other),
    ("gat", Form::RetrieveAndTouch),
    ("gats", Form::RetrieveAndTouch),
    ("get", Form::Retrieve),
    ("gets", Form::Retrieve),
    ("incr", Form::Change),
    ("lru", Form::Other),
    ("lru_crawler", Form::Other),
    ("ma", Form::Meta),
    ("md", Form::Meta),
    ("me", Form::Meta),
    ("mg", Form::Meta),
    ("mn", Form::Other),
    ("ms", Form::MetaStore),
    ("prepend", Form::Store),
    ("quit", Form::Unanswered),
    ("refresh_certs", Form::Other),
    ("replace", Form::Store),
    ("set", Form::Store),
    ("shutdown", Form::Unanswered),
    ("slabs", Form::Other),
    ("stats", Form::Other),
    ("touch", Form::Change),
    ("verbosity", Form::Other),
    ("version", Form::Other),
    ("watch", Form::Other),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_name() {
        for (name, form) in COMMANDS {
            assert_eq!(named(name.as_bytes()), Some(Command { name, form: *form }));
            assert!(name.len() <= MAX_NAME_BYTES);
        }
        assert_eq!(named(b"GET"), None);
        assert!(any_starts_with(b"se") && !any_starts_with(b"sx"));
    }
}
