//! What was asked of a model and what it answered, where the configuration wants it: texts by role, bounded.
//!
//! Only texts: neither pictures nor what tools are given and give. The form is that of the conventions: messages with
//! a role and parts.

use crate::Attributes;
use crate::sql::cut_text;

/// The texts of one body.
#[derive(Debug)]
pub(super) struct Content {
    /// How many bytes may still be kept.
    room: usize,
    instructions: Vec<String>,
    messages: Vec<Message>,
    /// Whether the event at hand carries a piece of the answer, where that is told by its type alone.
    is_answer: bool,
}

#[derive(Debug, Default)]
struct Message {
    role: String,
    parts: Vec<String>,
}

impl Content {
    /// Keeps `max_bytes` of texts at most; none if nothing is to be kept.
    pub(super) fn new(max_bytes: usize) -> Option<Box<Self>> {
        let content =
            Self { room: max_bytes, instructions: Vec::new(), messages: Vec::new(), is_answer: false };
        (max_bytes > 0).then(|| Box::new(content))
    }

    /// A text of a request's body.
    pub(super) fn handle_request(&mut self, path: &[u8], text: &[u8]) {
        match path {
            _ if self.room == 0 => {}
            b"messages.role" | b"input.role" => {
                let role = self.take(text);
                self.messages.push(Message { role, parts: Vec::new() });
            }
            b"messages.content" | b"messages.content.text" | b"input.content" | b"input.content.text" => {
                self.add_part(text);
            }
            b"input" | b"prompt" => {
                self.messages.push(Message { role: "user".to_owned(), parts: Vec::new() });
                self.add_part(text);
            }
            b"system" | b"system.text" | b"instructions" => {
                let text = self.take(text);
                self.instructions.push(text);
            }
            _ => {}
        }
    }

    /// A text of a response's body: whole, or the next piece of one.
    pub(super) fn handle_response(&mut self, path: &[u8], text: &[u8]) {
        match path {
            _ if self.room == 0 => {}
            b"type" => self.is_answer = text == b"response.output_text.delta",
            b"choices.message.content" | b"content.text" | b"output.content.text" => self.add_part(text),
            b"delta" if !self.is_answer => {}
            b"choices.delta.content"
            | b"choices.text"
            | b"content_block.text"
            | b"delta.text"
            | b"delta"
            | b"message.content"
            | b"response" => self.go_on(text),
            _ => {}
        }
    }

    /// Adds the texts of a request.
    pub(super) fn push_request(&self, attributes: &mut Attributes) {
        if !self.instructions.is_empty() {
            let mut json = String::new();
            push_parts(&mut json, &self.instructions);
            attributes.push("gen_ai.system_instructions", json);
        }
        if !self.messages.is_empty() {
            attributes.push("gen_ai.input.messages", self.to_json(None));
        }
    }

    /// Adds the texts of a response, which ended for this reason.
    pub(super) fn push_response(&self, attributes: &mut Attributes, finish_reason: Option<&String>) {
        if !self.messages.is_empty() {
            attributes.push("gen_ai.output.messages", self.to_json(finish_reason));
        }
    }

    /// As much of a text as there is room for.
    fn take(&mut self, text: &[u8]) -> String {
        let text = cut_text(text, self.room);
        self.room = self.room.saturating_sub(text.len().max(LEAST_BYTES));
        text
    }

    fn last(&mut self) -> Option<&mut Message> {
        if self.messages.is_empty() {
            self.messages.push(Message { role: "assistant".to_owned(), parts: Vec::new() });
        }
        self.messages.last_mut()
    }

    fn add_part(&mut self, text: &[u8]) {
        let text = self.take(text);
        if let Some(message) = self.last().filter(|_| !text.is_empty()) {
            message.parts.push(text);
        }
    }

    fn go_on(&mut self, text: &[u8]) {
        let text = cut_text(text, self.room);
        self.room = self.room.saturating_sub(text.len());
        let Some(message) = self.last() else { return };
        match message.parts.last_mut() {
            Some(part) => part.push_str(&text),
            None => message.parts.push(text),
        }
    }

    fn to_json(&self, finish_reason: Option<&String>) -> String {
        let mut json = String::from("[");
        for (place, message) in self.messages.iter().enumerate() {
            json.push_str(if place > 0 { ",{\"role\":" } else { "{\"role\":" });
            push_string(&mut json, &message.role);
            json.push_str(",\"parts\":");
            push_parts(&mut json, &message.parts);
            if let Some(reason) = finish_reason {
                json.push_str(",\"finish_reason\":");
                push_string(&mut json, reason);
            }
            json.push('}');
        }
        json.push(']');
        json
    }
}

fn push_parts(json: &mut String, parts: &[String]) {
    json.push('[');
    for (place, part) in parts.iter().enumerate() {
        json.push_str(if place > 0 { ",{" } else { "{" });
        json.push_str("\"type\":\"text\",\"content\":");
        push_string(json, part);
        json.push('}');
    }
    json.push(']');
}

/// A string of JSON (RFC 8259 §7).
fn push_string(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '\n' => json.push_str("\\n"),
            '\t' => json.push_str("\\t"),
            // What is left of the control characters means nothing in a text.
            control if control < ' ' => json.push(' '),
            other => json.push(other),
        }
    }
    json.push('"');
}

/// What a text takes of the room at least, so that empty ones are bounded too.
const LEAST_BYTES: usize = 16;
