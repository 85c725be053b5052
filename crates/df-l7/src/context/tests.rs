//! Every format, good and bad, and the order between them.

use proptest::prelude::*;

use super::*;

fn read(pairs: &[(&str, &str)]) -> Option<PropagatedContext> {
    read_with(&ContextConfig::default(), pairs)
}

fn read_with(config: &ContextConfig, pairs: &[(&str, &str)]) -> Option<PropagatedContext> {
    let mut reader = ContextReader::new(config);
    for (name, value) in pairs {
        reader.handle(name.as_bytes(), value.as_bytes());
    }
    reader.finish()
}

fn ids(name: &str, value: &str) -> Option<Ids> {
    read(&[(name, value)]).map(|found| (found.trace_id.unwrap(), found.span_id, found.sampled))
}

/// Trace id, span id, whether sampled.
type Ids = (String, Option<String>, Option<bool>);

fn expected(trace: &str, span: &str, sampled: impl Into<Option<bool>>) -> Ids {
    (trace.to_owned(), Some(span.to_owned()), sampled.into())
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

#[test]
fn w3c_in_all_versions() {
    for (value, sampled) in [
        (format!("00-{TRACE}-{SPAN}-01"), true),
        (format!("00-{TRACE}-{SPAN}-00"), false),
        (format!(" 00-{TRACE}-{SPAN}-01\t"), true),
        (format!("cc-{TRACE}-{SPAN}-09-what-the-future-brings"), true),
    ] {
        assert_eq!(ids("Traceparent", &value), Some(expected(TRACE, SPAN, sampled)), "{value}");
    }
}

#[test]
fn w3c_refused() {
    for value in [
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}-01-extra"),
        format!("00-{}-{SPAN}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        format!("00-{TRACE}-{SPAN}"),
        format!("00-{TRACE}-{SPAN}-1"),
        format!("00-{}-{SPAN}-01", TRACE.replace('4', "g")),
        String::new(),
    ] {
        assert_eq!(read(&[("traceparent", &value)]), None, "{value}");
    }
}

#[test]
fn zipkin_single_and_multi() {
    assert_eq!(ids("b3", &format!("{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90")), Some(expected(TRACE, SPAN, true)));
    assert_eq!(ids("B3", &format!("{SPAN}-{SPAN}-d")), Some(expected(SPAN, SPAN, true)));
    assert_eq!(ids("b3", &format!("{TRACE}-{SPAN}")), Some(expected(TRACE, SPAN, None)));
    assert_eq!(ids("b3", "0"), None, "only says that nothing is sampled");
    let multi = read(&[("X-B3-SpanId", SPAN), ("X-B3-Sampled", "0"), ("X-B3-TraceId", TRACE)]).unwrap();
    assert_eq!(
        (multi.trace_id.as_deref(), multi.span_id.as_deref(), multi.sampled),
        (Some(TRACE), Some(SPAN), Some(false))
    );
    assert_eq!(read(&[("X-B3-SpanId", SPAN)]), None, "a span without a trace");
}

#[test]
fn sky_walking_decodes_base64() {
    let value = "1-TVRSQUNFSUQ=-U0VHTUVOVElE-3-UEFSRU5U-SU5TVA==-L2VuZHBvaW50-MTI3LjAuMC4xOjgwODA=";
    assert_eq!(ids("sw8", value), Some(expected("MTRACEID", "SEGMENTID-3", true)));
    for value in [
        "1-!!!-U0VH-3",
        "1-TVRSQUNFSUQ=-U0VH-x",
        "1-TVRSQUNFSUQ=",
        "1--U0VH-3",
        "1-TVRSQUNFSUQ=-U0VH-12345678901",
    ] {
        assert_eq!(ids("sw8", value), None, "{value}");
    }
}

#[test]
fn jaeger_plain_and_encoded() {
    assert_eq!(ids("uber-trace-id", "abc123:def:0:1"), Some(expected("abc123", "def", true)));
    assert_eq!(ids("uber-trace-id", "abc123%3Adef%3a0%3A0"), Some(expected("abc123", "def", false)));
    assert_eq!(ids("uber-trace-id", "0:def:0:1"), None);
    assert_eq!(ids("uber-trace-id", "abc:def"), None);
}

#[test]
fn the_order_of_the_list_decides_and_a_bad_value_gives_way() {
    let w3c = format!("00-{TRACE}-{SPAN}-01");
    let jaeger = ("uber-trace-id", "abc:def:0:0");
    for pairs in [[("traceparent", w3c.as_str()), jaeger], [jaeger, ("traceparent", w3c.as_str())]] {
        assert_eq!(read(&pairs).unwrap().trace_id.as_deref(), Some(TRACE));
    }
    assert_eq!(read(&[("traceparent", "00-bad"), jaeger]).unwrap().trace_id.as_deref(), Some("abc"));
}

#[test]
fn configured_names_are_verbatim_and_fold_case_and_underscore() {
    let config = ContextConfig {
        trace_headers: vec!["My_Trace".to_owned()],
        request_id_headers: vec!["X_Request_ID".to_owned()],
        ..ContextConfig::default()
    };
    let found = read_with(&config, &[("my-trace", " t 1 "), ("x-request-id", "r-9"), ("b3", "1")]).unwrap();
    assert_eq!((found.trace_id.as_deref(), found.x_request_id.as_deref()), (Some("t 1"), Some("r-9")));
    assert_eq!(read_with(&config, &[("my-trace", &"x".repeat(257))]), None);
}

#[test]
fn sql_comments() {
    let config = ContextConfig::default();
    for comment in [
        format!(
            "action='%2Fparam*d',controller='index',traceparent='00-{TRACE}-{SPAN}-01',tracestate='a%3Db'"
        ),
        format!("/* it\\'s='x\\'y', traceparent='00-{TRACE}-{SPAN}-01' */"),
        format!("-- traceparent:00-{TRACE}-{SPAN}-01"),
        format!("# a traceparent=00-{TRACE}-{SPAN}-01*/"),
        format!("/*traceparent='00-{TRACE}-{SPAN}-01'*/"),
    ] {
        let found = from_sql_comment(&comment, &config).unwrap_or_else(|| panic!("nothing in {comment}"));
        assert_eq!(
            (found.trace_id.as_deref(), found.span_id.as_deref()),
            (Some(TRACE), Some(SPAN)),
            "{comment}"
        );
    }
    assert_eq!(from_sql_comment("just a remark, nothing = here", &config), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_survived(name in "traceparent|b3|sw8|uber-trace-id|x", value in "\\PC{0,80}", hex in "[0-9a-f%:'=-]{0,80}") {
        let config = ContextConfig::default();
        let _ = read(&[(&name, &value), (&name, &hex)]);
        let _ = from_sql_comment(&format!("{name}='{value}',{name}={hex}"), &config);
    }
}
