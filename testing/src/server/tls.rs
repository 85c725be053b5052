//! nginx as a TLS server, and a QUIC server.

use std::process::Command;

use rustix::process::Signal;

use super::http::peers;
use super::{Launch, Site};
use crate::PeerError;
use crate::place::{find, run};

/// nginx that answers `secret` on four ports, counted from its own:
///
/// - its own: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1
/// - 1 more: TLS 1.2 only, with the client's certificate asked for
/// - 2 more: TLS 1.3 only, on curve P-384 only, which few clients guess
/// - 3 more: TLS 1.2 only, without tickets, so that an identifier is what is taken up again
///
/// Beside its own certificate (`cert.pem`) its folder holds one for clients (`client.pem`, `client-key.pem`).
pub(super) fn nginx(site: &Site<'_>) -> Result<Launch, PeerError> {
    let nginx = find("nginx", "nginx")?;
    let folder = site.directory.display().to_string();
    certificates(site)?;
    let ports = [0, 1, 2, 3].map(|more| site.port.saturating_add(more));
    let mut text = NGINX.replace("@DIR@", &folder);
    for (name, port) in ["@BOTH@", "@CLIENT@", "@CURVE@", "@IDENTIFIER@"].iter().zip(ports) {
        text = text.replace(name, &port.to_string());
    }
    let configuration = site.write("nginx.conf", text)?;
    let mut command = site.place.tied_command(&nginx, None);
    command.arg("-p").arg(site.directory).arg("-e").arg(site.path("error.log")).arg("-c").arg(configuration);
    Ok(Launch { command, ready_line: None, stop_signal: Signal::QUIT })
}

/// An echo server made of Python's `aioquic`, with another one that always asks for a proof of the address a port higher.
pub(super) fn quic(site: &Site<'_>) -> Result<Launch, PeerError> {
    certificates(site)?;
    let mut command = site.place.tied_command(&find("python3", "python3")?, None);
    command.arg(peers().join("quic_server.py")).arg(site.port.to_string()).arg(site.directory);
    Ok(Launch { command, ready_line: None, stop_signal: Signal::TERM })
}

fn certificates(site: &Site<'_>) -> Result<(), PeerError> {
    let openssl = find("openssl", "openssl")?;
    for (key, certificate, subject) in [
        ("key.pem", "cert.pem", "/C=DE/O=Example Works/CN=df.test"),
        ("client-key.pem", "client.pem", "/O=Example Works/CN=a client"),
    ] {
        let arguments =
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -addext";
        run(Command::new(&openssl)
            .args(arguments.split(' '))
            .args(["subjectAltName=DNS:df.test,DNS:www.df.test", "-subj", subject])
            .args(["-keyout", key, "-out", certificate])
            .current_dir(site.directory))?;
    }
    Ok(())
}

const NGINX: &str = r#"
daemon off;
master_process off;
pid @DIR@/nginx.pid;
error_log @DIR@/error.log;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path @DIR@/body;
    proxy_temp_path @DIR@/proxy;
    fastcgi_temp_path @DIR@/fastcgi;
    uwsgi_temp_path @DIR@/uwsgi;
    scgi_temp_path @DIR@/scgi;
    ssl_certificate @DIR@/cert.pem;
    ssl_certificate_key @DIR@/key.pem;
    ssl_session_cache shared:tls:1m;
    server {
        listen 0.0.0.0:@BOTH@ ssl http2;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / { return 200 "secret\n"; }
    }
    server {
        listen 0.0.0.0:@CLIENT@ ssl;
        ssl_protocols TLSv1.2;
        ssl_client_certificate @DIR@/client.pem;
        ssl_verify_client on;
        location / { return 200 "secret\n"; }
    }
    server {
        listen 0.0.0.0:@CURVE@ ssl;
        ssl_protocols TLSv1.3;
        ssl_ecdh_curve secp384r1;
        location / { return 200 "secret\n"; }
    }
    server {
        listen 0.0.0.0:@IDENTIFIER@ ssl;
        ssl_protocols TLSv1.2;
        ssl_session_tickets off;
        location / { return 200 "secret\n"; }
    }
}
"#;
