//! The `key=value,key=value` lists of OpenTelemetry's environment variables.

use std::borrow::Cow;

/// The pairs of a list, values percent-decoded, blanks around keys and values removed. None when a member has no `=`,
/// an empty key or a broken percent-encoding; empty members are skipped.
pub(crate) fn parse(list: &str) -> Option<Vec<(String, String)>> {
    list.split(',')
        .map(str::trim)
        .filter(|member| !member.is_empty())
        .map(|member| {
            let (key, value) = member.split_once('=')?;
            let key = key.trim();
            (!key.is_empty()).then_some(())?;
            Some((key.to_owned(), percent_decode(value.trim())?.into_owned()))
        })
        .collect()
}

fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        decoded.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_apart() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        for (list, expected) in [
            ("", Some(vec![])),
            ("a=1", Some(vec![pair("a", "1")])),
            (" a = 1 , b=x=y ,", Some(vec![pair("a", "1"), pair("b", "x=y")])),
            ("api-key=a%2Cb%3D%20c", Some(vec![pair("api-key", "a,b= c")])),
            ("empty=", Some(vec![pair("empty", "")])),
            ("é=%C3%A9", Some(vec![pair("é", "é")])),
            ("a", None),
            ("=1", None),
            ("a=%4", None),
            ("a=%zz", None),
            ("a=%FF", None),
        ] {
            assert_eq!(parse(list), expected, "{list:?}");
        }
    }
}
