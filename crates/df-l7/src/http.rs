//! What HTTP messages mean, whichever version carries them (RFC 9110): shared by HTTP/1 and HTTP/2.

mod content;
mod method;
mod target;

pub(crate) use content::{
    ContentLength, Framing, RequestLine, StatusLine, push_some_size, request, response, text,
};
pub(crate) use method::known_method;
