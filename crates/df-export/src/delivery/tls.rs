//! The connections under both transports: TCP, and TLS where the endpoint asks for it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{ConfigBuilderExt, HttpsConnector};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

use crate::{ExportError, SignalConfig, TlsConfig};

/// The TLS settings of an endpoint. What plain `http` does not need is not read.
pub(super) fn client_config(config: &SignalConfig) -> Result<ClientConfig, ExportError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ExportError::Tls(error.to_string()))?;
    if config.endpoint.scheme_str() != Some("https") {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let builder = match &config.tls.certificate {
        Some(path) => builder.with_root_certificates(authorities(path)?),
        None => builder.with_native_roots().map_err(|error| ExportError::Tls(error.to_string()))?,
    };
    client_identity(builder, &config.tls)
}

/// A connector for the settings, as both transports want it.
pub(super) fn http_connector(timeout: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(timeout));
    connector
}

pub(super) type Connector = HttpsConnector<HttpConnector>;

fn client_identity(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    tls: &TlsConfig,
) -> Result<ClientConfig, ExportError> {
    let (key_path, certificate_path) = match (&tls.client_key, &tls.client_certificate) {
        (Some(key), Some(certificate)) => (key, certificate),
        (None, None) => return Ok(builder.with_no_client_auth()),
        _ => {
            return Err(ExportError::setting(
                "OTEL_EXPORTER_OTLP_CLIENT_KEY",
                "goes together with OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE; set both or none",
            ));
        }
    };
    let chain = certificates(certificate_path, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")?;
    let refuse = |reason: String| certificate_error("OTEL_EXPORTER_OTLP_CLIENT_KEY", key_path, reason);
    let key = PrivateKeyDer::from_pem_file(key_path).map_err(|error| refuse(error.to_string()))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| refuse(error.to_string()))
}

fn authorities(path: &Path) -> Result<RootCertStore, ExportError> {
    let setting = "OTEL_EXPORTER_OTLP_CERTIFICATE";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, setting)? {
        roots.add(certificate).map_err(|error| certificate_error(setting, path, error.to_string()))?;
    }
    Ok(roots)
}

fn certificates(path: &Path, setting: &'static str) -> Result<Vec<CertificateDer<'static>>, ExportError> {
    let refuse = |reason: String| certificate_error(setting, path, reason);
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refuse(error.to_string()))?;
    if certificates.is_empty() { Err(refuse("holds no certificate".to_owned())) } else { Ok(certificates) }
}

fn certificate_error(setting: &'static str, path: &Path, reason: String) -> ExportError {
    ExportError::Certificate { setting, path: path.to_owned(), reason }
}
