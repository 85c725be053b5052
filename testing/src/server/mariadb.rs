//! MariaDB with a database `shop`.

use rustix::process::Signal;

use super::{Launch, Site, certificate};
use crate::PeerError;
use crate::place::{Place, find, run};

/// A fresh MariaDB: user `root` without a password from anywhere, tables and a procedure to ask for, TLS on request.
pub(super) fn mariadb(site: &Site<'_>) -> Result<Launch, PeerError> {
    let mariadbd = find("mariadbd", "mariadb-server")?;
    let install = find("mariadb-install-db", "mariadb-server")?;
    let data = site.folder_of("data", "mysql")?;
    certificate(site.directory, "mysql")?;
    // A local install, since the answers of the client's side do not depend on where the files were made.
    let mut command = Place::Host.command(install);
    command.arg("--no-defaults").arg(format!("--datadir={}", data.display())).args(SMALL);
    command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    if crate::is_root() {
        command.arg("--user=mysql");
    }
    run(&mut command)?;
    let init = site.write("init.sql", INIT)?;
    let mut command = site.place.tied_command(&mariadbd, Some("mysql"));
    let path = |name: &str| site.path(name).display().to_string();
    command.arg("--no-defaults").args(SMALL).args([
        format!("--datadir={}", data.display()),
        format!("--port={}", site.port),
        format!("--socket={}/mariadb.sock", data.display()),
        format!("--pid-file={}/mariadb.pid", data.display()),
        format!("--init-file={}", init.display()),
        format!("--ssl-cert={}", path("cert.pem")),
        format!("--ssl-key={}", path("key.pem")),
        "--bind-address=0.0.0.0".to_owned(),
    ]);
    Ok(Launch { command, ready_line: Some("ready for connections"), stop_signal: Signal::TERM })
}

const SMALL: [&str; 4] = [
    "--innodb-log-file-size=4M",
    "--innodb-buffer-pool-size=16M",
    "--innodb-flush-log-at-trx-commit=0",
    "--skip-name-resolve",
];

// One statement per line: that is how MariaDB reads an init file.
const INIT: &str = "\
CREATE USER IF NOT EXISTS 'root'@'%';
GRANT ALL ON *.* TO 'root'@'%';
CREATE DATABASE IF NOT EXISTS shop;
CREATE TABLE IF NOT EXISTS shop.product (id INT PRIMARY KEY, name VARCHAR(80) NOT NULL, price DECIMAL(8,2));
REPLACE INTO shop.product VALUES (1,'lamp',19.90),(2,'chair',49.00),(3,'table',99.50);
CREATE DEFINER='root'@'%' PROCEDURE IF NOT EXISTS shop.report() BEGIN SELECT id FROM product; SELECT name FROM product WHERE id = 1; END;
";
