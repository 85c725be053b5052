//! A YAML document as a flat list of keys with their lines.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

/// Why a document is not a configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(crate) struct DocumentError {
    pub(crate) line: usize,
    pub(crate) reason: String,
}

/// One key of the document that is not a section, and its value.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The keys from the root down, joined by dots.
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) node: Node,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// No value: `key:`.
    Empty,
    /// One value, as text.
    Scalar(String),
    /// A list of single values.
    List(Vec<String>),
}

/// Reads a document. `is_section` says which paths hold further keys.
pub(crate) fn entries(text: &str, is_section: &dyn Fn(&str) -> bool) -> Result<Vec<Entry>, DocumentError> {
    let documents = MarkedYaml::load_from_str(text)
        .map_err(|error| DocumentError { line: error.marker().line(), reason: error.info().to_owned() })?;
    let mut entries = Vec::new();
    let mut documents = documents.iter();
    let Some(root) = documents.next() else { return Ok(entries) };
    if let Some(second) = documents.next() {
        return Err(fault(second, "a configuration is one document, this is a second"));
    }
    if !matches!(root.data, YamlData::Value(Scalar::Null)) {
        collect(root, "", is_section, &mut entries)?;
    }
    Ok(entries)
}

fn collect(
    section: &MarkedYaml<'_>,
    path: &str,
    is_section: &dyn Fn(&str) -> bool,
    entries: &mut Vec<Entry>,
) -> Result<(), DocumentError> {
    let YamlData::Mapping(mapping) = &section.data else {
        let name = if path.is_empty() { "the document" } else { path };
        return Err(fault(section, &format!("{name} must hold keys, not a single value or a list")));
    };
    for (key, value) in mapping {
        let name = scalar(key).ok_or_else(|| fault(key, "a key must be a single word"))?;
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        if is_section(&path) {
            if !matches!(value.data, YamlData::Value(Scalar::Null)) {
                collect(value, &path, is_section, entries)?;
            }
        } else {
            let node = node(value, &path)?;
            entries.push(Entry { path, line: key.span.start.line(), node });
        }
    }
    Ok(())
}

fn node(value: &MarkedYaml<'_>, path: &str) -> Result<Node, DocumentError> {
    match &value.data {
        // A mapping in the wrong place: the caller says that the path is unknown or takes a value.
        YamlData::Value(Scalar::Null) | YamlData::Mapping(_) => Ok(Node::Empty),
        YamlData::Sequence(items) => {
            let texts = items.iter().map(|item| {
                scalar(item).ok_or_else(|| fault(item, &format!("{path} takes a list of single values")))
            });
            Ok(Node::List(texts.collect::<Result<_, _>>()?))
        }
        _ => {
            scalar(value).map(Node::Scalar).ok_or_else(|| fault(value, &format!("{path} has no plain value")))
        }
    }
}

fn scalar(node: &MarkedYaml<'_>) -> Option<String> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) | YamlData::Representation(text, ..) => Some(text.to_string()),
        YamlData::Value(Scalar::Boolean(truth)) => Some(truth.to_string()),
        YamlData::Value(Scalar::Integer(number)) => Some(number.to_string()),
        YamlData::Value(Scalar::FloatingPoint(number)) => Some(number.to_string()),
        _ => None,
    }
}

fn fault(node: &MarkedYaml<'_>, reason: &str) -> DocumentError {
    DocumentError { line: node.span.start.line(), reason: reason.to_owned() }
}
