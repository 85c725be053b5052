//! Calls as the services document them, and what is told of them.

use super::super::recognize;
use super::*;
use crate::AttributeValue;

const JSON: (&[u8], &[u8]) = (b"content-type", b"application/json");

fn call(path: &str) -> Call {
    recognize(b"POST", path.as_bytes(), [JSON].into_iter()).unwrap()
}

/// What a request and its response say, the bodies in pieces of every length up to 9.
fn attributes(path: &str, asked: &str, media_type: &str, answered: &str) -> Vec<String> {
    let told: Vec<Vec<String>> =
        (1..10).map(|len| attributes_in_pieces(path, (asked, media_type, answered), len)).collect();
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "pieces must not matter: {told:?}");
    told.into_iter().next().unwrap()
}

fn attributes_in_pieces(
    path: &str,
    (asked, media_type, answered): (&str, &str, &str),
    len: usize,
) -> Vec<String> {
    let mut attributes = Attributes::new();
    let mut reader = BodyReader::of_request(call(path), 0);
    for piece in asked.as_bytes().chunks(len) {
        reader.handle(piece, Timestamp::ZERO);
    }
    reader.push_request(&mut attributes);
    let fields = [(&b"content-type"[..], media_type.as_bytes())];
    let asked_at = Some(Timestamp::from_nanos(500_000_000));
    let mut reader = BodyReader::of_response(call(path), asked_at, fields.into_iter(), 0).unwrap();
    for piece in answered.as_bytes().chunks(len) {
        reader.handle(piece, Timestamp::from_nanos(2_000_000_000));
    }
    reader.push_response(&mut attributes);
    attributes.iter().map(line).collect()
}

fn line(attribute: &crate::Attribute) -> String {
    let value = match &attribute.value {
        AttributeValue::Text(text) => text.to_string(),
        AttributeValue::Integer(number) => number.to_string(),
        AttributeValue::TextList(texts) => texts.join(","),
        other => format!("{other:?}"),
    };
    format!("{}={value}", attribute.key.trim_start_matches("gen_ai."))
}

#[test]
fn responses_of_openai_as_events() {
    let asked = r#"{"model":"gpt-5","input":[{"role":"user","content":"say \"model\": \"x\""}],"stream":true,"max_output_tokens":50}"#;
    let answered = concat!(
        "event: response.created\n",
        r#"data: {"type":"response.created","response":{"id":"resp_1","status":"in_progress","model":"gpt-5-1","usage":null}}"#,
        "\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"secret\"}\n\n",
        "event: response.completed\r\n",
        r#"data: {"type":"response.completed","response":{"id":"resp_1","usage":{"input_tokens":8,"output_tokens":20,"#,
        r#""input_tokens_details":{"cached_tokens":2},"output_tokens_details":{"reasoning_tokens":12}}}}"#,
        "\r\n\r\n"
    );
    let told = attributes("/v1/responses", asked, "text/event-stream; charset=utf-8", answered);
    assert_eq!(
        told,
        [
            "operation.name=chat",
            "provider.name=openai",
            "request.model=gpt-5",
            "request.max_tokens=50",
            "request.stream=Boolean(true)",
            "response.id=resp_1",
            "response.model=gpt-5-1",
            "usage.input_tokens=8",
            "usage.output_tokens=20",
            "usage.cache_read.input_tokens=2",
            "usage.reasoning.output_tokens=12",
            "df.gen_ai.response.chunks=3",
            "response.time_to_first_chunk=Double(1.5)",
        ]
    );
}

#[test]
fn embeddings_and_ollama() {
    let answered = r#"{"object":"list","data":[{"embedding":[0.1,-2e-3],"index":0}],"model":"e-1","usage":{"prompt_tokens":3,"total_tokens":3}}"#;
    let told = attributes("/v1/embeddings", r#"{"input":"x","model":"e"}"#, "application/json", answered);
    let expected = [
        "operation.name=embeddings",
        "provider.name=openai",
        "request.model=e",
        "response.model=e-1",
        "usage.input_tokens=3",
    ];
    assert_eq!(told, expected);
    let answered = concat!(
        r#"{"model":"llama3","message":{"role":"assistant","content":"The"},"done":false}"#,
        "\n",
        r#"{"model":"llama3","message":{"content":""},"done_reason":"stop","done":true,"prompt_eval_count":26,"eval_count":9}"#,
        "\n"
    );
    let told =
        attributes("/api/chat", r#"{"model":"llama3","messages":[]}"#, "application/x-ndjson", answered);
    let expected = [
        "operation.name=chat",
        "provider.name=ollama",
        "request.model=llama3",
        "response.model=llama3",
        "response.finish_reasons=stop",
        "usage.input_tokens=26",
        "usage.output_tokens=9",
        "df.gen_ai.response.chunks=2",
        "response.time_to_first_chunk=Double(1.5)",
    ];
    assert_eq!(told, expected);
}

#[test]
fn the_model_context_protocol() {
    let asked = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"price","arguments":{"name":"private"}}}"#;
    let answered = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32602,\"message\":\"private\"}}\n\n";
    let told = attributes("/mcp", asked, "text/event-stream", answered);
    let expected = [
        "mcp.method.name=tools/call",
        "jsonrpc.request.id=7",
        "operation.name=execute_tool",
        "tool.name=price",
        "rpc.response.status_code=-32602",
    ];
    assert_eq!(told, expected);
}

#[test]
fn other_requests_are_left_alone() {
    let judge = |method: &str, target: &str, fields: &[(&'static [u8], &'static [u8])]| {
        recognize(method.as_bytes(), target.as_bytes(), fields.iter().copied())
    };
    assert!(judge("POST", "/v1/chat/completions?x=1", &[JSON]).is_some());
    assert!(judge("GET", "/v1/chat/completions", &[JSON]).is_none());
    assert!(judge("POST", "/v1/chat", &[JSON]).is_none());
    assert!(judge("POST", "/v1/messages", &[(b"content-type", b"text/plain")]).is_none());
    assert!(judge("POST", "/v1/messages", &[JSON, (b"content-encoding", b"br")]).is_none());
    assert!(judge("POST", "/v1/messages", &[JSON, (b"content-encoding", b"gzip")]).is_some());
    // Something else behind the same path says nothing of a model.
    assert_eq!(attributes("/api/chat", r#"{"text":"hi"}"#, "application/json", r#"{"id":1}"#), [""; 0]);
}

/// The content that is told of a request and its response, `max_bytes` of each, the bodies in pieces of `len`.
fn content(
    path: &str,
    (asked, media_type, answered): (&str, &str, &str),
    max_bytes: usize,
    len: usize,
) -> Vec<String> {
    let mut attributes = Attributes::new();
    let mut reader = BodyReader::of_request(call(path), max_bytes);
    asked.as_bytes().chunks(len).for_each(|piece| reader.handle(piece, Timestamp::ZERO));
    reader.push_request(&mut attributes);
    let fields = [(&b"content-type"[..], media_type.as_bytes())];
    let mut reader = BodyReader::of_response(call(path), None, fields.into_iter(), max_bytes).unwrap();
    answered.as_bytes().chunks(len).for_each(|piece| reader.handle(piece, Timestamp::ZERO));
    reader.push_response(&mut attributes);
    let is_content = |line: &String| line.contains("messages=") || line.contains("instructions=");
    attributes.iter().map(line).filter(is_content).collect()
}

#[test]
fn content_is_told_where_it_is_wanted() {
    let long = "x".repeat(1_000);
    let asked = format!(
        r#"{{"model":"m","messages":[{{"role":"system","content":"be brief"}},{{"role":"user","content":[{{"type":"text","text":"\"a\""}},{{"type":"text","text":"{long}"}}]}}]}}"#
    );
    let events = concat!(
        r#"data: {"model":"m","choices":[{"delta":{"role":"assistant","content":"b\u00e9"}}]}"#,
        "\n\n",
        r#"data: {"model":"m","choices":[{"delta":{"content":"c\n"},"finish_reason":"stop"}]}"#,
        "\n\ndata: [DONE]\n\n"
    );
    let chat = ("/v1/chat/completions", (asked.as_str(), "text/event-stream", events));
    let expected = [
        format!(
            r#"input.messages=[{{"role":"system","parts":[{{"type":"text","content":"be brief"}}]}},{{"role":"user","parts":[{{"type":"text","content":"\"a\""}},{{"type":"text","content":"{long}"}}]}}]"#
        ),
        r#"output.messages=[{"role":"assistant","parts":[{"type":"text","content":"béc\n"}],"finish_reason":"stop"}]"#.to_owned(),
    ];
    for len in [1, 7, 10_000] {
        let told = content(chat.0, chat.1, 2_000, len);
        assert_eq!(told, expected, "in pieces of {len}");
    }
    assert_eq!(content(chat.0, chat.1, 0, 9), [""; 0], "not by default");
    let cut = content(chat.0, chat.1, 100, 9);
    assert!(cut.iter().all(|line| line.len() < 400) && cut[0].contains("be brief"), "{cut:?}");
}

#[test]
fn content_of_the_other_services() {
    for (path, asked, media_type, answered, expected) in [
        (
            "/v1/messages",
            r#"{"model":"c","system":"s","messages":[{"role":"user","content":"q"}]}"#,
            "application/json",
            r#"{"model":"c","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"stop_reason":"end_turn"}"#,
            r#"a"},{"type":"text","content":"b"}],"finish_reason":"end_turn"}]"#,
        ),
        (
            "/api/generate",
            r#"{"model":"l","prompt":"q"}"#,
            "application/x-ndjson",
            "{\"model\":\"l\",\"response\":\"a\"}\n{\"model\":\"l\",\"response\":\"b\",\"done\":true}\n",
            r#"ab"}]}]"#,
        ),
        (
            "/v1/responses",
            r#"{"model":"g","instructions":"s","input":"q"}"#,
            "text/event-stream",
            concat!(
                "data: {\"type\":\"response.function_call_arguments.delta\",\"delta\":\"no\"}\n\n",
                "data: {\"type\":\"response.output_text.delta\",\"delta\":\"ab\"}\n\n",
                "data: {\"type\":\"response.completed\",\"response\":{\"model\":\"g\"}}\n\n"
            ),
            r#"ab"}]}]"#,
        ),
    ] {
        let told = content(path, (asked, media_type, answered), 500, 5);
        assert!(
            told.iter().any(|line| line.contains(r#""role":"user","parts":[{"type":"text","content":"q"}]"#))
        );
        assert!(told.last().is_some_and(|line| line.ends_with(expected)), "{path}: {told:?}");
    }
    let embedded = ("{\"model\":\"e\",\"input\":\"q\"}", "application/json", "{\"model\":\"e\"}");
    assert_eq!(content("/v1/embeddings", embedded, 500, 5), [""; 0], "nobody has said anything");
}

#[test]
fn compressed_bodies_are_read_too() {
    let body = br#"{"model":"m","messages":[{"role":"user","content":"q"}],"stream":true}"#;
    let compressed = miniz_oxide::deflate::compress_to_vec_zlib(body, 6);
    let fields = [JSON, (&b"content-encoding"[..], &b"deflate"[..])];
    let call = recognize(b"POST", b"/v1/chat/completions", fields.into_iter()).unwrap();
    let mut reader = BodyReader::of_request(call.clone(), 0);
    compressed.chunks(3).for_each(|piece| reader.handle(piece, Timestamp::ZERO));
    let mut attributes = Attributes::new();
    reader.push_request(&mut attributes);
    let events = b"data: {\"model\":\"m-1\"}\n\ndata: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n";
    let deflated = miniz_oxide::deflate::compress_to_vec(events, 6);
    let gzipped = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &deflated].concat();
    let fields =
        [(&b"content-type"[..], &b"text/event-stream"[..]), (&b"content-encoding"[..], &b"GZIP"[..])];
    let mut reader = BodyReader::of_response(call, None, fields.into_iter(), 0).unwrap();
    gzipped.chunks(5).for_each(|piece| reader.handle(piece, Timestamp::ZERO));
    reader.push_response(&mut attributes);
    let told: Vec<String> = attributes.iter().map(line).collect();
    let expected = [
        "request.model=m",
        "request.stream=Boolean(true)",
        "response.model=m-1",
        "response.finish_reasons=stop",
    ];
    assert_eq!(told[2..6], expected);
}
