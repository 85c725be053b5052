//! Paths of Unix sockets, each kept once, so that an end of a connection stays a small value.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU16;
use std::sync::{LazyLock, PoisonError, RwLock};

/// The path of a Unix socket, or its abstract name with `@` before it, as `ss` shows it.
///
/// Every path is kept once and for as long as the process lives; so there is a bound: the first 16,384 have a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "String", try_from = "String"))]
pub struct UnixPath(NonZeroU16);

impl UnixPath {
    /// The path as it stands in `sun_path`, an abstract one with its leading zero. What is not UTF-8 is replaced, zeros at the
    /// end are left out. None: it is empty, or there are too many already.
    pub fn new(sun_path: &[u8]) -> Option<Self> {
        let shown = shown(sun_path)?;
        if let Some(known) =
            paths().read().unwrap_or_else(PoisonError::into_inner).numbers.get(shown.as_str())
        {
            return Some(*known);
        }
        paths().write().unwrap_or_else(PoisonError::into_inner).insert(shown)
    }

    /// The path as text.
    pub fn as_str(self) -> &'static str {
        let paths = paths().read().unwrap_or_else(PoisonError::into_inner);
        paths.texts.get(usize::from(self.0.get()) - 1).copied().unwrap_or_default()
    }
}

impl fmt::Debug for UnixPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl fmt::Display for UnixPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl From<UnixPath> for String {
    fn from(path: UnixPath) -> Self {
        path.as_str().to_owned()
    }
}

impl TryFrom<String> for UnixPath {
    type Error = TooManyPaths;

    fn try_from(path: String) -> Result<Self, TooManyPaths> {
        Self::new(path.as_bytes()).ok_or(TooManyPaths)
    }
}

/// A path is empty, or there are too many already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyPaths;

impl fmt::Display for TooManyPaths {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the path is empty, or there are too many")
    }
}

impl std::error::Error for TooManyPaths {}

/// The paths that have a value, in the order of their numbers.
#[derive(Default)]
struct Paths {
    numbers: HashMap<&'static str, UnixPath>,
    texts: Vec<&'static str>,
}

impl Paths {
    fn insert(&mut self, shown: String) -> Option<UnixPath> {
        if let Some(known) = self.numbers.get(shown.as_str()) {
            return Some(*known);
        }
        let number = u16::try_from(self.texts.len() + 1).ok().and_then(NonZeroU16::new)?;
        if self.texts.len() >= MAX_PATHS {
            return None;
        }
        let text: &'static str = Box::leak(shown.into_boxed_str());
        self.texts.push(text);
        self.numbers.insert(text, UnixPath(number));
        Some(UnixPath(number))
    }
}

/// The kernel gives some abstract names with zeros inside; `ss` shows them by `@` too.
fn shown(sun_path: &[u8]) -> Option<String> {
    let end = sun_path.iter().rposition(|byte| *byte != 0)?;
    let path = sun_path.get(..=end).and_then(|path| path.get(..MAX_PATH_BYTES).or(Some(path)))?;
    Some(String::from_utf8_lossy(path).replace('\0', "@"))
}

fn paths() -> &'static RwLock<Paths> {
    static PATHS: LazyLock<RwLock<Paths>> = LazyLock::new(RwLock::default);
    &PATHS
}

/// The longest path of a Unix socket (`sun_path` of unix(7)).
const MAX_PATH_BYTES: usize = 108;
/// With the longest paths they take under 3 MiB.
const MAX_PATHS: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_path_is_the_same_value() {
        let path = UnixPath::new(b"/run/docker.sock").expect("there is room");
        assert_eq!(UnixPath::new(b"/run/docker.sock\0\0"), Some(path));
        assert_eq!(path.as_str(), "/run/docker.sock");
        assert_ne!(UnixPath::new(b"/run/other.sock"), Some(path));
    }

    #[test]
    fn an_abstract_name_has_a_sign_before_it() {
        assert_eq!(UnixPath::new(b"\0dbus").map(UnixPath::as_str), Some("@dbus"));
        assert_eq!([UnixPath::new(b""), UnixPath::new(&[0; 108])], [None, None]);
    }

    #[test]
    fn there_are_so_many_and_no_more() {
        let mut paths = Paths::default();
        let kept = (0..MAX_PATHS + 10).filter(|number| paths.insert(format!("/{number}")).is_some()).count();
        assert_eq!(kept, MAX_PATHS);
        assert!(paths.insert("/7".to_owned()).is_some(), "one that is known still is");
    }
}
