//! What the URL of an endpoint means: which protocol, with or without TLS, at which path.

use http::Uri;

use super::{OtlpProtocol, Signal};
use crate::ExportError;

/// An endpoint as a person writes it, taken apart.
pub(super) struct Target {
    /// What the URL itself says of the protocol.
    pub(super) protocol: Option<OtlpProtocol>,
    is_tls: Option<bool>,
    authority: String,
    path: String,
}

impl Target {
    /// Takes a URL apart. `setting` is named in errors.
    pub(super) fn parse(setting: &str, url: &str) -> Result<Self, ExportError> {
        let refuse = |reason: &str| {
            Err(ExportError::setting(
                setting,
                format!("{url:?} {reason}, expected for example http://127.0.0.1:4318"),
            ))
        };
        let (scheme, rest) = match url.trim().split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, url.trim()),
        };
        let (protocol, is_tls) = match scheme.as_deref() {
            Some("http") => (None, Some(false)),
            Some("https") => (None, Some(true)),
            Some("grpc") => (Some(OtlpProtocol::Grpc), Some(false)),
            Some("grpcs") => (Some(OtlpProtocol::Grpc), Some(true)),
            None => (None, None),
            Some(_) => return refuse("has an unknown scheme"),
        };
        let Ok(uri) = format!("http://{rest}").parse::<Uri>() else {
            return refuse("is no URL");
        };
        let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty()) else {
            return refuse("names no host");
        };
        let by_port = (uri.port_u16() == Some(GRPC_PORT)).then_some(OtlpProtocol::Grpc);
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        Ok(Self {
            protocol: protocol.or(by_port),
            is_tls,
            authority: authority.to_string(),
            path: path.to_owned(),
        })
    }

    /// The default receiver of a protocol on this machine.
    pub(super) fn local(protocol: OtlpProtocol) -> Self {
        let port = if protocol == OtlpProtocol::Grpc { GRPC_PORT } else { HTTP_PORT };
        Self {
            protocol: None,
            is_tls: Some(false),
            authority: format!("localhost:{port}"),
            path: "/".to_owned(),
        }
    }

    /// The same target with the signal's own path behind the path that it has.
    pub(super) fn with_signal_path(mut self, signal: Signal) -> Self {
        self.path = format!("{}/{}", self.path.trim_end_matches('/'), signal.path());
        self
    }

    /// The URL. Without a scheme, `is_insecure` decides about TLS.
    pub(super) fn into_uri(self, setting: &str, is_insecure: bool) -> Result<Uri, ExportError> {
        let Self { authority, path, .. } = self;
        let scheme = if self.is_tls.unwrap_or(!is_insecure) { "https" } else { "http" };
        let url = format!("{scheme}://{authority}{path}");
        url.parse().map_err(|error| ExportError::setting(setting, format!("{url:?} is no URL: {error}")))
    }
}

const GRPC_PORT: u16 = 4317;
const HTTP_PORT: u16 = 4318;
