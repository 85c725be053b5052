//! What header blocks, the ends of bodies, resets and refusals mean for the exchanges of an HTTP/2 connection.

use std::borrow::Cow;

use df_core::{Direction, Timestamp};

use super::super::block::BlockHead;
use super::super::streams::{Sent, Stream};
use super::super::{grpc, wire};
use super::Http2Parser;
use crate::ai::{self, BodyReader, Call};
use crate::http::{self, ContentLength, Framing, RequestLine, StatusLine};
use crate::{Attributes, Cursor, Message, Protocol, Request, Response, ResponseStatus};

/// What became of some bytes.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "messages are the common case, and are moved once")]
pub(super) enum Outcome {
    /// A message ends.
    Message(Message),
    /// A message begins.
    Begun,
    /// Neither.
    Nothing,
}

impl Http2Parser {
    /// A header block of the client: a request, or trailers.
    pub(super) fn handle_request(&mut self, head: BlockHead) -> Outcome {
        if let Some(stream) = self.streams.find(head.stream) {
            stream.sent_mut(Direction::ToServer).is_complete |= head.ends_stream;
            return Outcome::Nothing;
        }
        let is_request =
            self.fields.first_name().is_none_or(|name| name.starts_with(b":") && name != b":status");
        if !is_request || head.stream.is_multiple_of(2) || !self.streams.is_new(head.stream) {
            return Outcome::Nothing;
        }
        let (request, framing) = self.request();
        let message = self.ask(head, request, framing);
        Outcome::Message(message)
    }

    /// The server promises to answer what it was not asked.
    pub(super) fn handle_promise(&mut self, head: BlockHead) -> Outcome {
        if head.id() % 2 == 1 || self.streams.contains(head.id()) {
            return Outcome::Nothing;
        }
        let (mut request, framing) = self.request();
        request.attributes.push("df.http2.pushed", true);
        Outcome::Message(self.ask(head, request, framing))
    }

    /// A header block of the server: an interim response, a response, or trailers.
    pub(super) fn handle_response(&mut self, head: BlockHead) -> Outcome {
        let status = self.fields.find(b":status").and_then(http_status);
        if status.is_some_and(|status| status < 200) {
            return Outcome::Nothing;
        }
        let known = self.streams.find(head.stream);
        let is_known = known.is_some();
        if let Some(stream) = known.filter(|stream| stream.response.is_some()) {
            stream.response_bytes = stream.response_bytes.saturating_add(head.wire_bytes);
            if let Some(response) = &mut stream.response {
                grpc::handle_trailers(response, &self.fields, &self.config);
            }
            return if head.ends_stream {
                self.end_body(Direction::ToClient, head.stream)
            } else {
                Outcome::Nothing
            };
        }
        // On a stream that was not seen to open these may be trailers.
        let may_begin = self.fields.has_unknown() && self.fields.first_name().is_none() && !head.ends_stream;
        if status.is_none() && !is_known && !may_begin {
            return Outcome::Nothing;
        }
        self.begin_response(head, status)
    }

    /// A body ends in one direction.
    pub(super) fn end_body(&mut self, direction: Direction, id: u32) -> Outcome {
        let Some(stream) = self.streams.find(id) else { return Outcome::Nothing };
        let sent = stream.sent_mut(direction);
        sent.is_complete = !sent.is_lost;
        match self.streams.close(id) {
            Some(stream) if direction == Direction::ToClient => Outcome::Message(finished(id, stream)),
            Some(stream) => {
                self.reopen(id, stream);
                Outcome::Nothing
            }
            None => Outcome::Nothing,
        }
    }

    /// One end gives a stream up.
    pub(super) fn handle_reset(&mut self, direction: Direction, id: u32, payload: &[u8]) {
        let Some(mut stream) = self.streams.close(id) else { return };
        if !stream.is_asked && stream.response.is_none() {
            return;
        }
        // A message that has begun keeps its first byte.
        let direction_of_end = if stream.response.is_some() { Direction::ToClient } else { direction };
        let code = Cursor::new(payload).u32_be().unwrap_or_default();
        let (side, status) = match direction {
            Direction::ToServer => ("client", ResponseStatus::ClientError),
            Direction::ToClient => ("server", ResponseStatus::ServerError),
        };
        let reason = format!("stream reset by {side}: {}", error_text(code));
        fail(&mut stream, code, if code == 0 { None } else { Some(status) }, reason);
        self.ended.push_back((direction_of_end, finished(id, stream)));
    }

    /// The server will not answer what was asked on later streams.
    pub(super) fn handle_go_away(&mut self, direction: Direction, payload: &[u8]) {
        let Some((last, code)) = wire::go_away(payload) else { return };
        if direction == Direction::ToServer {
            return;
        }
        while let Some((id, mut stream)) = self.streams.close_refused(last) {
            let reason = format!("refused by server: {}", error_text(code));
            fail(&mut stream, code, Some(ResponseStatus::ServerError), reason);
            self.ended.push_back((Direction::ToClient, finished(id, stream)));
        }
    }

    /// One of the responses that have begun, as far as it came.
    pub(super) fn next_unfinished(&mut self) -> Option<Message> {
        self.streams.close_answered().map(|(id, stream)| finished(id, stream))
    }

    fn request(&self) -> (Request, Framing) {
        let fields = &self.fields;
        let (method, authority) = (fields.find(b":method"), fields.find(b":authority"));
        let tunnel = authority.filter(|_| method == Some(b"CONNECT"));
        let line = RequestLine {
            method,
            target: fields.find(b":path").or(tunnel),
            scheme: fields.find(b":scheme").map(|scheme| self.scheme(scheme)),
            authority,
            version: Some(VERSION.into()),
        };
        let (request, framing) = http::request(line, &fields.iter(), &self.config);
        let is_hidden = fields.has_unknown() && fields.find(b"content-type").is_none();
        let may_be_call = method == Some(b"POST") && (self.carries_grpc || grpc::has_method_path(fields));
        let is_grpc = grpc::is_grpc(fields) || (is_hidden && may_be_call);
        (if is_grpc { grpc::request(request, fields, &self.config) } else { request }, framing)
    }

    fn scheme(&self, scheme: &[u8]) -> Cow<'static, str> {
        match scheme {
            b"http" => "http".into(),
            b"https" => "https".into(),
            other => http::text(other, self.config.max_attribute_bytes).into(),
        }
    }

    /// Opens the stream of a request.
    fn ask(&mut self, head: BlockHead, request: Request, framing: Framing) -> Message {
        let id = head.id();
        let call = self.call(&request);
        let max_content_bytes = self.config.max_gen_ai_content_bytes;
        let asked = Sent {
            reader: call
                .as_ref()
                .map(|asked| Box::new(BodyReader::of_request(asked.0.clone(), max_content_bytes))),
            is_announced: framing.content_length != ContentLength::Absent,
            is_complete: head.ends_stream,
            ..Sent::default()
        };
        self.carries_grpc |= request.protocol == Some(Protocol::Grpc);
        let stream = Stream {
            is_asked: true,
            is_grpc: request.protocol == Some(Protocol::Grpc),
            call,
            is_tunnel: self.fields.find(b":method") == Some(b"CONNECT"),
            sent: [asked, Sent::default()],
            ..Stream::default()
        };
        self.reopen(id, stream);
        Message::request(request).with_id(u64::from(id)).with_length(head.wire_bytes)
    }

    fn call(&self, request: &Request) -> Option<Box<(Call, Timestamp)>> {
        let (method, path) = self.fields.find(b":method").zip(self.fields.find(b":path"))?;
        let call = ai::recognize(method, path, self.fields.iter()).filter(|_| request.protocol.is_none())?;
        Some(Box::new((call, self.seen_at)))
    }

    fn begin_response(&mut self, head: BlockHead, status: Option<u16>) -> Outcome {
        let id = head.stream;
        let line = StatusLine { status, reason: b"", version: Some(VERSION.into()) };
        let (mut response, framing) = http::response(line, &self.fields.iter(), &self.config);
        let mut stream = self.streams.close(id).unwrap_or_default();
        stream.is_grpc |= grpc::is_grpc(&self.fields) || grpc::has_status(&self.fields);
        self.carries_grpc |= stream.is_grpc;
        if stream.is_grpc {
            response = grpc::response(response);
            grpc::handle_trailers(&mut response, &self.fields, &self.config);
        }
        if let Some((call, asked_at)) = stream.call.as_deref().cloned() {
            let max_content_bytes = self.config.max_gen_ai_content_bytes;
            let fields = self.fields.iter();
            let reader = BodyReader::of_response(call, Some(asked_at), fields, max_content_bytes);
            stream.sent_mut(Direction::ToClient).reader = reader.map(Box::new);
        }
        let is_success = status.is_some_and(|status| (200..=299).contains(&status));
        stream.response = Some(Box::new(response));
        stream.response_bytes = stream.response_bytes.saturating_add(head.wire_bytes);
        stream.sent_mut(Direction::ToClient).is_announced = framing.content_length != ContentLength::Absent;
        if head.ends_stream || (stream.is_tunnel && is_success) {
            // A tunnel stays open for bytes that are nobody's answer.
            return Outcome::Message(finished(id, stream));
        }
        self.reopen(id, stream);
        Outcome::Begun
    }

    /// Too many streams: the oldest ends, as far as it came, before its request is given up.
    fn reopen(&mut self, id: u32, stream: Stream) {
        let max_streams = self.config.max_pending_requests.saturating_sub(1);
        let oldest = self.streams.open(id, stream, max_streams);
        if let Some((id, stream)) = oldest.filter(|(_, stream)| stream.response.is_some()) {
            self.ended.push_back((Direction::ToClient, finished(id, stream)));
        }
    }
}

/// The response of a stream that has ended, with what was counted.
fn finished(id: u32, stream: Stream) -> Message {
    let mut response = stream.response.map_or_else(|| unseen(stream.is_grpc), |response| *response);
    let [asked, answered] = &stream.sent;
    if response.protocol == Some(Protocol::Grpc) {
        let asked = asked.messages.messages().filter(|_| stream.is_asked && !asked.is_lost);
        let answered = answered.messages.messages().filter(|_| stream.is_grpc && !answered.is_lost);
        http::push_some_size(&mut response.attributes, "df.grpc.request.messages", asked);
        http::push_some_size(&mut response.attributes, "df.grpc.response.messages", answered);
    } else {
        let asked = asked.counted_size().filter(|bytes| stream.is_asked && *bytes > 0);
        http::push_some_size(&mut response.attributes, "http.request.body.size", asked);
        http::push_some_size(&mut response.attributes, "http.response.body.size", answered.counted_size());
    }
    let [asked, answered] = stream.sent;
    if let Some(reader) = asked.reader {
        reader.push_request(&mut response.attributes);
    }
    if let Some(reader) = answered.reader {
        reader.push_response(&mut response.attributes);
    }
    Message::response(response).with_id(u64::from(id)).with_length(stream.response_bytes)
}

/// A response of which only the end was seen, or that never came.
fn unseen(is_grpc: bool) -> Response {
    let protocol = is_grpc.then_some(Protocol::Grpc);
    Response { protocol, version: Some(VERSION.into()), attributes: Attributes::new(), ..Response::default() }
}

/// The stream has ended otherwise than it should.
fn fail(stream: &mut Stream, code: u32, status: Option<ResponseStatus>, reason: String) {
    let is_grpc = stream.is_grpc;
    let response = stream.response.get_or_insert_with(|| Box::new(unseen(is_grpc)));
    response.attributes.push("df.http2.error_code", error_text(code));
    if let Some(status) = status {
        response.status = status;
        response.exception = Some(reason);
    }
}

fn error_text(code: u32) -> Cow<'static, str> {
    wire::error_name(code).map_or_else(|| format!("{code:#x}").into(), Cow::Borrowed)
}

fn http_status(text: &[u8]) -> Option<u16> {
    let status = std::str::from_utf8(text).ok().filter(|text| text.len() == 3)?;
    status.parse().ok().filter(|status| *status >= 100)
}

const VERSION: &str = "2";
