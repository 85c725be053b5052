//! What options and variables mean, as tables.

use super::*;

fn configured(url: Option<&str>, variables: &[(&str, &str)]) -> Result<ConfiguredFrom, ExportError> {
    OtlpConfig::from_environment(url, |name| {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

fn traces(url: Option<&str>, variables: &[(&str, &str)]) -> SignalConfig {
    configured(url, variables).unwrap().config.unwrap().traces.unwrap()
}

#[test]
fn the_option_decides_protocol_and_place() {
    for (url, protocol, endpoint) in [
        ("http://a:4317", OtlpProtocol::Grpc, "http://a:4317/v1/traces"),
        ("https://a:4317", OtlpProtocol::Grpc, "https://a:4317/v1/traces"),
        ("grpc://a:1", OtlpProtocol::Grpc, "http://a:1/v1/traces"),
        ("grpcs://a:1", OtlpProtocol::Grpc, "https://a:1/v1/traces"),
        ("http://a:4318", OtlpProtocol::HttpProtobuf, "http://a:4318/v1/traces"),
        ("HTTPS://a/base/", OtlpProtocol::HttpProtobuf, "https://a/base/v1/traces"),
        ("http://[::1]:4318", OtlpProtocol::HttpProtobuf, "http://[::1]:4318/v1/traces"),
    ] {
        // The general variables do not move it.
        let config = traces(
            Some(url),
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere:1"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
        );
        assert_eq!((config.protocol, config.endpoint.to_string().as_str()), (protocol, endpoint), "{url}");
    }
    let json = traces(Some("http://a:4318"), &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]);
    assert_eq!(json.protocol, OtlpProtocol::HttpJson);
    for url in ["", "ftp://a", "http://", "http://a b", "http://:1"] {
        let error = configured(Some(url), &[]).unwrap_err().to_string();
        assert!(error.starts_with("--otlp: "), "{url:?}: {error}");
    }
}

#[test]
fn endpoints_of_the_environment_follow_the_specification() {
    let general = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let own = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    let protocol = "OTEL_EXPORTER_OTLP_PROTOCOL";
    for (variables, expected) in [
        (vec![(general, "http://a:4318")], "HttpProtobuf http://a:4318/v1/traces"),
        (vec![(general, "http://a:4318/x/")], "HttpProtobuf http://a:4318/x/v1/traces"),
        (vec![(general, "http://a:1"), (own, "http://b:2/verbatim")], "HttpProtobuf http://b:2/verbatim"),
        (vec![(own, "http://b:2")], "HttpProtobuf http://b:2/"),
        (vec![(own, "http://b:2"), (general, "")], "HttpProtobuf http://b:2/"),
        (vec![(general, "http://a:4317")], "Grpc http://a:4317/v1/traces"),
        (
            vec![(general, "http://a:4317"), (protocol, "http/protobuf")],
            "HttpProtobuf http://a:4317/v1/traces",
        ),
        (vec![(general, "http://a:1"), (protocol, "GRPC")], "Grpc http://a:1/v1/traces"),
        (vec![(general, "a:4317"), ("OTEL_EXPORTER_OTLP_INSECURE", "true")], "Grpc http://a:4317/v1/traces"),
        (vec![(general, "a:4317")], "Grpc https://a:4317/v1/traces"),
        (vec![("OTEL_TRACES_EXPORTER", "otlp")], "HttpProtobuf http://localhost:4318/v1/traces"),
        (vec![("OTEL_TRACES_EXPORTER", "otlp"), (protocol, "grpc")], "Grpc http://localhost:4317/v1/traces"),
    ] {
        let config = traces(None, &variables);
        assert_eq!(format!("{:?} {}", config.protocol, config.endpoint), expected, "{variables:?}");
    }
    let error = configured(None, &[(own, "nowhere://x")]).unwrap_err().to_string();
    assert!(error.starts_with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "), "{error}");
}

#[test]
fn signals_are_exported_where_something_asks_for_it() {
    let shown = |variables: &[(&str, &str)], url| {
        let config = configured(url, variables).unwrap().config;
        config.map(|config| Signal::ALL.map(|signal| config.signal(signal).is_some()))
    };
    assert_eq!(shown(&[], None), None);
    assert_eq!(shown(&[("OTEL_EXPORTER_OTLP_HEADERS", "a=b")], None), None);
    assert_eq!(shown(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://a")], None), Some([false, false, true]));
    assert_eq!(shown(&[("OTEL_METRICS_EXPORTER", "none")], Some("http://a")), Some([true, false, true]));
    assert_eq!(
        shown(&[("OTEL_SDK_DISABLED", "true"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a")], None),
        None
    );
}

#[test]
fn own_variables_win_over_general_ones() {
    let config = traces(
        Some("http://a"),
        &[
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "700"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", ""),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%2Cb, other = c"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
            ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/key.pem"),
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/client.pem"),
        ],
    );
    assert_eq!(config.timeout, Duration::from_millis(700));
    assert_eq!(config.compression, Compression::Gzip);
    let headers: Vec<_> =
        config.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(headers, [("api-key", "a,b"), ("other", "c")]);
    assert!(!format!("{config:?}").contains("a,b"), "credentials are not shown");
    let paths = [config.tls.certificate, config.tls.client_key, config.tls.client_certificate];
    assert_eq!(paths, ["/ca.pem", "/key.pem", "/client.pem"].map(|path| Some(PathBuf::from(path))));
}

#[test]
fn what_cannot_be_understood_is_warned_of_and_ignored() {
    for (name, value, expected) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon", "expected grpc, http/protobuf or http/json"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip", "expected gzip or none"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "10s", "expected milliseconds"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "yes", "expected true or false"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "both",
            "expected cumulative, delta or lowmemory",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "base2_exponential_bucket_histogram",
            "df knows explicit_bucket_histogram only",
        ),
        ("OTEL_TRACES_EXPORTER", "jaeger", "expected otlp or none"),
    ] {
        let ConfiguredFrom { config, warnings } = configured(Some("http://a"), &[(name, value)]).unwrap();
        assert_eq!(warnings, [format!("{name}={value} is ignored: {expected}")]);
        assert_eq!(config.unwrap(), OtlpConfig::new("http://a").unwrap(), "{name}");
    }
    let secret = configured(Some("http://a"), &[("OTEL_EXPORTER_OTLP_HEADERS", "secret")]).unwrap();
    assert_eq!(secret.warnings, ["OTEL_EXPORTER_OTLP_HEADERS is ignored: expected name=value,name=value"]);
}

#[test]
fn temporality_follows_the_preference() {
    let name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    for (value, temporality) in
        [("", Temporality::Cumulative), ("Delta", Temporality::Delta), ("lowmemory", Temporality::Delta)]
    {
        let config = configured(Some("http://a"), &[(name, value)]).unwrap().config.unwrap();
        assert_eq!(config.temporality, temporality, "{value:?}");
    }
}
