//! HTTP/1 heads without bodies: what reading heads costs, which recordings full of bodies cannot tell.

use df_core::{Direction, Endpoint, FlowKey, Timestamp, Transport};

use crate::Conversation;

/// One connection of `count` requests with their answers, heads and nothing else, each in a packet of its own: a page's
/// parts asked for again by a browser that has them, and a server that says so.
pub fn heads(count: u64) -> Conversation {
    let end = |last, port| Endpoint::new([10, 0, 0, last].into(), port);
    let mut conversation = Conversation::new(FlowKey::new(Transport::Tcp, end(1, 40_000), end(2, 80)));
    for number in 0..count {
        let asked_at = Timestamp::from_nanos(1_000_000 * number);
        let answered_at = Timestamp::from_nanos(1_000_000 * number + 200_000);
        conversation.push(Direction::ToServer, asked_at, REQUEST.as_bytes());
        conversation.push(Direction::ToClient, answered_at, RESPONSE.as_bytes());
    }
    conversation
}

const REQUEST: &str = "GET /assets/application-5f1c9d2e7a40b8836e1f.js?locale=en-GB HTTP/1.1\r\n\
    Host: www.example.com\r\n\
    Connection: keep-alive\r\n\
    sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\", \"Google Chrome\";v=\"140\"\r\n\
    sec-ch-ua-mobile: ?0\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n\
    sec-ch-ua-platform: \"Linux\"\r\n\
    Accept: */*\r\n\
    Sec-Fetch-Site: same-origin\r\n\
    Sec-Fetch-Mode: no-cors\r\n\
    Sec-Fetch-Dest: script\r\n\
    Referer: https://www.example.com/account/orders\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
    Cookie: _ga=GA1.2.1234567890.1700000000; session=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.c29tZXRoaW5n; theme=dark\r\n\
    If-None-Match: W/\"5f1c9d2e-1a2b3\"\r\n\
    If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\n\
    \r\n";

const RESPONSE: &str = "HTTP/1.1 304 Not Modified\r\n\
    Server: nginx/1.24.0\r\n\
    Date: Tue, 14 Nov 2023 22:13:46 GMT\r\n\
    Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n\
    Connection: keep-alive\r\n\
    ETag: W/\"5f1c9d2e-1a2b3\"\r\n\
    Cache-Control: public, max-age=31536000, immutable\r\n\
    Strict-Transport-Security: max-age=63072000; includeSubDomains; preload\r\n\
    X-Content-Type-Options: nosniff\r\n\
    X-Request-ID: 0b7c2a9e-4f57-4d53-9a4e-6f3c9a1d2b10\r\n\
    \r\n";
