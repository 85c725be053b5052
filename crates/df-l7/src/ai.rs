//! What AI services speak within HTTP: which calls they are, and what their bodies say of them.
//!
//! OpenAI's chat, completions, responses and embeddings and whatever is compatible with them, Anthropic's messages, Ollama, and
//! the Model Context Protocol, as JSON, as server-sent events and as JSON lines. Only of these is a body looked at, byte by
//! byte as it comes; a handful of fields is kept. Prompts and answers are only where the configuration wants them, arguments
//! never.

mod call;
mod content;
mod facts;
mod json;
mod reader;

pub(crate) use call::{Call, recognize};
pub(crate) use reader::{BodyReader, TIME_TO_FIRST_CHUNK};
