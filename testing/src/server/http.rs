//! nginx, tinyproxy and a WebSocket server.

use rustix::process::Signal;
use std::path::{Path, PathBuf};

use super::{Launch, SOCKET, Site, certificate};
use crate::PeerError;
use crate::place::find;

/// nginx with a location for each thing that a response can be:
///
/// - `/item/*` 200 with a short body; `/empty` 204; `/moved` 301; `/fail` 500; anything else 404
/// - `/page.txt` 4 KiB, `/large.bin` 96 KiB, `/chunked.html` of unknown length, so sent in chunks
/// - `/orders` takes a body and answers 201; `/socket` is passed on to a WebSocket server
pub(super) fn nginx(site: &Site<'_>) -> Result<Launch, PeerError> {
    nginx_listening(site, &format!("; listen unix:{}", site.path(SOCKET).display()))
}

/// The same nginx, on the next port through TLS too.
pub(super) fn nginx_with_tls(site: &Site<'_>) -> Result<Launch, PeerError> {
    certificate(site.directory, "root")?;
    let (port, folder) = (site.tls_port(), site.directory.display());
    nginx_listening(
        site,
        &format!(
            "; listen 0.0.0.0:{port} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem"
        ),
    )
}

/// nginx with a parameter of `listen`.
pub(super) fn nginx_listening(site: &Site<'_>, parameter: &str) -> Result<Launch, PeerError> {
    let nginx = find("nginx", "nginx")?;
    let folder = site.directory.display().to_string();
    let page = "All work and no play makes a dull page of sixty-four characters.".repeat(64);
    site.write("page.txt", &page)?;
    site.write("chunked.html", format!("<!--# set var=\"x\" value=\"1\" -->{page}"))?;
    site.write("large.bin", noise(96 * 1024))?;
    let text = NGINX.replace("@DIR@", &folder).replace("@PORT@", &site.port.to_string());
    let text = text.replace("@HOW@", parameter);
    let configuration = site.write("nginx.conf", text)?;
    let mut command = site.place.tied_command(&nginx, None);
    command.arg("-p").arg(site.directory).arg("-e").arg(site.path("error.log")).arg("-c").arg(configuration);
    Ok(Launch { command, ready_line: None, stop_signal: Signal::QUIT })
}

/// tinyproxy that lets everybody tunnel everywhere.
pub(super) fn tinyproxy(site: &Site<'_>) -> Result<Launch, PeerError> {
    let tinyproxy = find("tinyproxy", "tinyproxy")?;
    let text =
        format!("Port {}\nTimeout 20\nMaxClients 20\nDisableViaHeader Yes\nLogLevel Error\n", site.port);
    let configuration = site.write("tinyproxy.conf", text)?;
    let mut command = site.place.tied_command(&tinyproxy, None);
    command.arg("-d").arg("-c").arg(configuration);
    Ok(Launch { command, ready_line: None, stop_signal: Signal::TERM })
}

/// An echo server made of Debian's `python3-websockets`.
pub(super) fn websocket(site: &Site<'_>) -> Result<Launch, PeerError> {
    let mut command = site.place.tied_command(&python()?, None);
    command.arg(peers().join("websocket_server.py")).arg(site.port.to_string());
    Ok(Launch { command, ready_line: None, stop_signal: Signal::TERM })
}

/// The Python that Debian's packages install modules for.
fn python() -> Result<PathBuf, PeerError> {
    let python = Path::new("/usr/bin/python3");
    let is_there = python.is_file() && Path::new("/usr/lib/python3/dist-packages/websockets").is_dir();
    if is_there {
        return Ok(python.to_path_buf());
    }
    Err(PeerError::Missing { program: "python3 with websockets".to_owned(), package: "python3-websockets" })
}

pub(super) fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// Bytes that do not compress and are the same every time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    })
    .take(length)
    .collect()
}

const NGINX: &str = r#"
daemon off;
master_process off;
pid @DIR@/nginx.pid;
error_log @DIR@/error.log;
events { worker_connections 512; }
http {
    access_log off;
    keepalive_requests 10000;
    types { text/html html; text/plain txt; application/octet-stream bin; }
    client_body_temp_path @DIR@/body;
    proxy_temp_path @DIR@/proxy;
    fastcgi_temp_path @DIR@/fastcgi;
    uwsgi_temp_path @DIR@/uwsgi;
    scgi_temp_path @DIR@/scgi;
    server {
        listen 0.0.0.0:@PORT@@HOW@;
        root @DIR@;
        location /item/ { return 200 "item\n"; }
        location = /empty { return 204; }
        location = /moved { return 301 /page.txt; }
        location = /fail { return 500 "broken\n"; }
        location = /chunked.html { ssi on; }
        location = /orders { proxy_pass http://unix:@DIR@/backend.sock; }
        location = /socket {
            proxy_pass http://127.0.0.1:8765;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }
    }
    server {
        listen unix:@DIR@/backend.sock;
        location / { return 201 "created\n"; }
    }
}
"#;
