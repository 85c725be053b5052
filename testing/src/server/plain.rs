//! Servers for protocols of plain requests and replies: time, mail, directory, telephony.

use std::process::Command;

use rustix::process::Signal;

use super::http::peers;
use super::{Launch, Site};
use crate::PeerError;
use crate::namespaces::Namespaces;
use crate::place::{Place, find, run};

/// chrony that has a clock of its own and changes none.
pub(super) fn chrony(site: &Site<'_>) -> Result<Launch, PeerError> {
    let chronyd = find("chronyd", "chrony")?;
    let folder = site.directory.display();
    let port = site.port;
    let text = format!(
        "local stratum 5\nallow all\nport {port}\ncmdport 0\nbindcmdaddress /\npidfile {folder}/chronyd.pid\n"
    );
    let configuration = site.write("chrony.conf", text)?;
    let mut command = site.place.tied_command(&chronyd, None);
    command.args(["-x", "-d", "-u", "root", "-f"]).arg(configuration);
    Ok(Launch { command, ready_line: None, stop_signal: Signal::TERM })
}

/// A mail server made of Python's `aiosmtpd`, which refuses mail to `nobody` and offers TLS.
pub(super) fn mail(site: &Site<'_>) -> Result<Launch, PeerError> {
    super::certificate(site.directory, "root")?;
    let mut command = site.place.tied_command(&find("python3", "python3")?, None);
    command.arg(peers().join("smtp_server.py")).arg(site.port.to_string()).arg(site.directory);
    Ok(Launch { command, ready_line: None, stop_signal: Signal::TERM })
}

/// OpenLDAP with three entries below `dc=df,dc=test`; its administrator is `cn=admin,dc=df,dc=test` with password `secret`.
pub(super) fn directory(site: &Site<'_>) -> Result<Launch, PeerError> {
    let slapd = find("slapd", "slapd")?;
    super::certificate(site.directory, "root")?;
    let folder = site.directory.display().to_string();
    let configuration = site.write("slapd.conf", SLAPD.replace("@DIR@", &folder))?;
    let entries = site.write("entries.ldif", ENTRIES)?;
    run(Command::new(&slapd).args(["-T", "add", "-f"]).arg(&configuration).arg("-l").arg(entries))?;
    let mut command = site.place.tied_command(&slapd, None);
    command.args(["-d", "256", "-h", &format!("ldap://0.0.0.0:{}/", site.port), "-f"]).arg(configuration);
    Ok(Launch { command, ready_line: Some("slapd starting"), stop_signal: Signal::INT })
}

/// SIPp that takes every call, over UDP.
pub(super) fn telephone(site: &Site<'_>) -> Result<Launch, PeerError> {
    let sipp = find("sipp", "sip-tester")?;
    let address = if matches!(site.place, Place::Host) { "127.0.0.1" } else { Namespaces::SERVER };
    let mut command = site.place.tied_command(&sipp, None);
    command.args(["-sn", "uas", "-nostdin", "-i", address, "-p", &site.port.to_string()]);
    command.current_dir(site.directory);
    Ok(Launch { command, ready_line: None, stop_signal: Signal::KILL })
}

const SLAPD: &str = r#"
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
moduleload back_ldif
pidfile @DIR@/slapd.pid
TLSCertificateFile @DIR@/cert.pem
TLSCertificateKeyFile @DIR@/key.pem
database ldif
suffix "dc=df,dc=test"
rootdn "cn=admin,dc=df,dc=test"
rootpw secret
directory @DIR@
"#;

const ENTRIES: &str = "dn: dc=df,dc=test\nobjectClass: organization\nobjectClass: dcObject\no: df\ndc: df\n\n\
    dn: cn=Ada,dc=df,dc=test\nobjectClass: person\ncn: Ada\nsn: Lovelace\nuserPassword: lovelace\n\n\
    dn: cn=Grace,dc=df,dc=test\nobjectClass: person\ncn: Grace\nsn: Hopper\n";
