//! PHP behind FastCGI.

use rustix::process::Signal;

use super::{Launch, SOCKET, Site};
use crate::PeerError;
use crate::place::find;

/// PHP's FastCGI process manager with one process and one script, `index.php`; over its Unix socket another process runs it.
pub(super) fn php_fpm(site: &Site<'_>) -> Result<Launch, PeerError> {
    let php = find("php-fpm8.2", "php8.2-fpm")?;
    site.write("index.php", SCRIPT)?;
    let configuration = CONFIGURATION
        .replace("@DIR@", &site.directory.display().to_string())
        .replace("@SOCKET@", &site.path(SOCKET).display().to_string())
        .replace("@PORT@", &site.port.to_string());
    let configuration = site.write("php-fpm.conf", configuration)?;
    let mut command = site.place.tied_command(&php, None);
    command.args(["--nodaemonize", "--allow-to-run-as-root", "-n", "--fpm-config"]).arg(configuration);
    Ok(Launch { command, ready_line: Some("ready to handle connections"), stop_signal: Signal::TERM })
}

const CONFIGURATION: &str = "
[global]
error_log = /dev/stderr
[www]
user = nobody
group = nogroup
listen = 0.0.0.0:@PORT@
pm = static
pm.max_children = 1
chdir = @DIR@
catch_workers_output = no
[local]
user = nobody
group = nogroup
listen = @SOCKET@
listen.mode = 0666
pm = static
pm.max_children = 1
chdir = @DIR@
catch_workers_output = no
";

const SCRIPT: &str = r#"<?php
$path = parse_url($_SERVER["REQUEST_URI"], PHP_URL_PATH);
switch ($path) {
    case "/missing": http_response_code(404); echo "nothing here"; break;
    case "/moved": header("Location: /"); break;
    case "/broken": error_log("the database is gone"); http_response_code(500); break;
    case "/large": echo str_repeat("x", 40000); break;
    case "/upload": echo strlen(file_get_contents("php://input")); break;
    default: header("X-Request-Id: from-php"); echo "hello";
}
"#;
