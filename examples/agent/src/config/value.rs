//! How single settings are read from and shown as YAML.

use std::time::Duration;

use df_bpf::{HookKind, Hooks};
use df_l7::Protocol;

use super::document::Node;

/// A setting's value, wherever in the configuration it is kept.
pub(crate) trait Value {
    /// Takes the value from the document, or says what would have been right.
    fn read(&mut self, node: &Node) -> Result<(), String>;
    /// The value as YAML.
    fn show(&self) -> String;
}

macro_rules! counts {
    ($($number:ty),+) => {$(
        impl Value for $number {
            fn read(&mut self, node: &Node) -> Result<(), String> {
                let wanted = || format!("takes a whole number from 0 to {}", <$number>::MAX);
                let Node::Scalar(text) = node else { return Err(wanted()) };
                *self = text.replace('_', "").parse().map_err(|_| wanted())?;
                Ok(())
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

counts!(u8, u16, u32, u64, usize);

impl Value for bool {
    fn read(&mut self, node: &Node) -> Result<(), String> {
        let wanted = || "takes true or false".to_owned();
        let Node::Scalar(text) = node else { return Err(wanted()) };
        *self = text.parse().map_err(|_| wanted())?;
        Ok(())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for Duration {
    fn read(&mut self, node: &Node) -> Result<(), String> {
        let wanted = || "takes a time like 30s, 5m or 250ms".to_owned();
        let Node::Scalar(text) = node else { return Err(wanted()) };
        *self = humantime::parse_duration(text).map_err(|_| wanted())?;
        Ok(())
    }

    fn show(&self) -> String {
        humantime::format_duration(*self).to_string()
    }
}

impl Value for Option<Duration> {
    fn read(&mut self, node: &Node) -> Result<(), String> {
        let mut duration = Duration::ZERO;
        duration.read(node)?;
        *self = (!duration.is_zero()).then_some(duration);
        Ok(())
    }

    fn show(&self) -> String {
        self.unwrap_or_default().show()
    }
}

impl Value for String {
    fn read(&mut self, node: &Node) -> Result<(), String> {
        match node {
            Node::Scalar(text) => self.clone_from(text),
            Node::Empty => self.clear(),
            Node::List(_) => return Err("takes one text, not a list".to_owned()),
        }
        Ok(())
    }

    fn show(&self) -> String {
        quoted(self)
    }
}

/// A kind by its name, or whichever works.
impl Value for Hooks {
    fn read(&mut self, node: &Node) -> Result<(), String> {
        let names = HookKind::ALL.map(HookKind::name).join(", ");
        let wanted = || format!("takes {AUTOMATIC} or one of {names}");
        let Node::Scalar(text) = node else { return Err(wanted()) };
        *self = match text.as_str() {
            AUTOMATIC => Self::Automatic,
            name => HookKind::from_name(name).ok_or_else(wanted)?.into(),
        };
        Ok(())
    }

    fn show(&self) -> String {
        match self {
            Self::Automatic => AUTOMATIC.to_owned(),
            Self::Only(kind) => kind.name().to_owned(),
        }
    }
}

const AUTOMATIC: &str = "automatic";

impl Value for Vec<String> {
    fn read(&mut self, node: &Node) -> Result<(), String> {
        *self = texts(node);
        Ok(())
    }

    fn show(&self) -> String {
        list(self.iter().map(|text| quoted(text)))
    }
}

impl Value for Vec<u16> {
    fn read(&mut self, node: &Node) -> Result<(), String> {
        let port = |text: String| text.parse().map_err(|_| format!("takes ports, not {text:?}"));
        *self = texts(node).into_iter().map(port).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn show(&self) -> String {
        list(self.iter().map(u16::to_string))
    }
}

/// A number for each of some ports.
impl Value for Vec<(u16, u32)> {
    fn read(&mut self, node: &Node) -> Result<(), String> {
        let pair = |text: String| {
            let numbers = text.split_once('=').and_then(|(port, number)| {
                Some((port.trim().parse().ok()?, number.trim().replace('_', "").parse().ok()?))
            });
            numbers.ok_or_else(|| format!("takes ports with numbers, such as 3306=4096, not {text:?}"))
        };
        *self = texts(node).into_iter().map(pair).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn show(&self) -> String {
        list(self.iter().map(|(port, number)| format!("{port}={number}")))
    }
}

impl Value for Vec<Protocol> {
    fn read(&mut self, node: &Node) -> Result<(), String> {
        let protocol = |name: String| {
            Protocol::from_name(&name).ok_or_else(|| {
                let names: Vec<_> = df_l7::protocols::PROTOCOLS.iter().map(|row| row.name).collect();
                format!("knows no protocol {name:?}; it takes any of {}", names.join(", "))
            })
        };
        *self = texts(node).into_iter().map(protocol).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn show(&self) -> String {
        list(self.iter().map(|protocol| protocol.name().to_owned()))
    }
}

/// A list, or a single value where a list of one is meant.
fn texts(node: &Node) -> Vec<String> {
    match node {
        Node::Empty => Vec::new(),
        Node::Scalar(text) => vec![text.clone()],
        Node::List(texts) => texts.clone(),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A text as YAML writes it: plain where that is safe, else in double quotes, whose escapes are JSON's.
fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_./".contains(letter))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
