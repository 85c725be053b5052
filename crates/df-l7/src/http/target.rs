//! The parts of a request target (RFC 9112 §3.2), and the forms in which records show it.

use std::borrow::Cow;

/// A request target taken apart. Text outside ASCII is kept where it is UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The whole target, fit to be shown.
    pub(crate) shown: Cow<'a, str>,
    authority: Option<(usize, usize)>,
    path: Option<(usize, usize)>,
    query_start: Option<usize>,
}

impl<'a> Target<'a> {
    /// Takes `target` apart. `is_authority` says that the method is `CONNECT`.
    pub(crate) fn new(target: &'a [u8], is_authority: bool, hides_query: bool) -> Self {
        let text = String::from_utf8_lossy(target);
        if is_authority {
            let len = text.len();
            return Self { shown: text, authority: Some((0, len)), path: None, query_start: None };
        }
        let query_mark = memchr::memchr(b'?', text.as_bytes());
        let path_end = query_mark.unwrap_or(text.len());
        let authority = authority_of(&text, path_end);
        let path = (authority.map_or(0, |(_, end)| end), path_end);
        let query_start = query_mark.map(|mark| mark + 1);
        let shown = match query_start {
            Some(start) if hides_query => Cow::Owned(hide_values(&text, start)),
            _ => text,
        };
        Self { shown, authority, path: Some(path), query_start }
    }

    /// `host[:port]` of an absolute target or of a `CONNECT`.
    pub(crate) fn authority(&self) -> Option<&str> {
        self.authority.and_then(|(start, end)| self.shown.get(start..end))
    }

    /// The path without the query; `*` for the asterisk form.
    pub(crate) fn path(&self) -> Option<&str> {
        let (start, end) = self.path?;
        self.shown.get(start..end).map(|path| if path.is_empty() { "/" } else { path })
    }

    /// The query without its question mark, values hidden if asked for.
    pub(crate) fn query(&self) -> Option<&str> {
        self.query_start.and_then(|start| self.shown.get(start..)).filter(|query| !query.is_empty())
    }

    /// The first `segments` segments of the path that say something; none when no segment is to be kept.
    pub(crate) fn endpoint(&self, segments: usize) -> Option<String> {
        let path = self.path()?;
        if segments == 0 {
            return None;
        }
        if path == "*" {
            return Some(path.to_owned());
        }
        let mut endpoint = String::with_capacity(path.len().min(MAX_ENDPOINT_BYTES));
        for segment in path.split('/').filter(|segment| !matches!(*segment, "" | ".")).take(segments) {
            endpoint.push('/');
            endpoint.push_str(segment);
        }
        if endpoint.is_empty() {
            endpoint.push('/');
        }
        Some(endpoint)
    }
}

/// Where the authority of `scheme://authority/path` stands.
fn authority_of(text: &str, path_end: usize) -> Option<(usize, usize)> {
    if text.starts_with('/') {
        return None;
    }
    let scheme_len = text.get(..path_end)?.find("://")?;
    let start = scheme_len + 3;
    let len = text.get(start..path_end)?.find('/').unwrap_or(path_end - start);
    Some((start, start + len))
}

/// Replaces every value of the query that begins at `start` by a question mark.
fn hide_values(text: &str, start: usize) -> String {
    let (before, query) = text.split_at_checked(start).unwrap_or((text, ""));
    let mut shown = String::with_capacity(text.len());
    shown.push_str(before);
    for (index, pair) in query.split('&').enumerate() {
        if index > 0 {
            shown.push('&');
        }
        match pair.split_once('=') {
            Some((name, _)) => {
                shown.push_str(name);
                shown.push_str("=?");
            }
            // A query without names is a value.
            None if !pair.is_empty() => shown.push('?'),
            None => {}
        }
    }
    shown
}

const MAX_ENDPOINT_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_every_form() {
        for (target, authority, path, query, endpoint) in [
            ("/", None, "/", None, "/"),
            ("/a/b/c?x=1", None, "/a/b/c", Some("x=1"), "/a/b"),
            ("//a/./b/", None, "//a/./b/", None, "/a/b"),
            ("http://host:81/p?q", Some("host:81"), "/p", Some("q"), "/p"),
            ("http://host", Some("host"), "/", None, "/"),
            ("http://host?u=http://x/y", Some("host"), "/", Some("u=http://x/y"), "/"),
            ("/redirect?to=http://x/y", None, "/redirect", Some("to=http://x/y"), "/redirect"),
            ("*", None, "*", None, "*"),
            ("/é/x?", None, "/é/x", None, "/é/x"),
        ] {
            let parts = Target::new(target.as_bytes(), false, false);
            assert_eq!(parts.shown, target);
            assert_eq!(
                (parts.authority(), parts.path(), parts.query()),
                (authority, Some(path), query),
                "{target}"
            );
            assert_eq!(parts.endpoint(2).as_deref(), Some(endpoint), "{target}");
        }
        let connect = Target::new(b"host:443", true, true);
        assert_eq!(
            (connect.authority(), connect.path(), connect.endpoint(2)),
            (Some("host:443"), None, None)
        );
    }

    #[test]
    fn values_are_hidden() {
        for (target, shown) in [
            ("/p?a=1&b=2&c", "/p?a=?&b=?&?"),
            ("/p?token", "/p??"),
            ("/p?a=b=c&&d=", "/p?a=?&&d=?"),
            ("/p?", "/p?"),
            ("http://h/p?k=s#f", "http://h/p?k=?"),
        ] {
            assert_eq!(Target::new(target.as_bytes(), false, true).shown, shown, "{target}");
        }
    }
}
