//! BIND's `named`, authoritative for the zone `df.test`.

use rustix::process::Signal;

use super::{Launch, Site, certificate};
use crate::PeerError;
use crate::place::find;

/// `www` has an A and an AAAA, `alias` leads to it, `big` has more than fits in one datagram, and everything under
/// `item` exists.
pub(super) fn named(site: &Site<'_>) -> Result<Launch, PeerError> {
    named_listening(site, "")
}

/// The same server, on the next port through TLS too.
pub(super) fn named_with_tls(site: &Site<'_>) -> Result<Launch, PeerError> {
    certificate(site.directory, "root")?;
    named_listening(site, &format!("listen-on port {} tls own {{ any; }};", site.tls_port()))
}

fn named_listening(site: &Site<'_>, also: &str) -> Result<Launch, PeerError> {
    let named = find("named", "bind9")?;
    let folder = site.directory.display().to_string();
    site.write("df.test.zone", zone())?;
    let text = NAMED.replace("@DIR@", &folder).replace("@PORT@", &site.port.to_string());
    let text = text.replace("@ALSO@", also);
    let configuration = site.write("named.conf", text)?;
    let mut command = site.place.tied_command(&named, None);
    command.args(["-g", "-4", "-n", "1", "-c"]).arg(configuration);
    Ok(Launch { command, ready_line: Some(" running"), stop_signal: Signal::TERM })
}

fn zone() -> String {
    let strings = (0..60)
        .map(|number| format!("big IN TXT \"string {number:02} of a large answer {}\"\n", "x".repeat(40)));
    [ZONE.to_owned()].into_iter().chain(strings).collect()
}

const NAMED: &str = r#"
options {
    directory "@DIR@";
    pid-file "@DIR@/named.pid";
    session-keyfile "@DIR@/session.key";
    listen-on port @PORT@ { any; };
    @ALSO@
    listen-on-v6 { none; };
    allow-query { any; };
    recursion no;
    dnssec-validation no;
    notify no;
};
controls { };
tls own { cert-file "@DIR@/cert.pem"; key-file "@DIR@/key.pem"; };
zone "df.test" { type primary; file "@DIR@/df.test.zone"; };
"#;

const ZONE: &str = "$TTL 300
@ IN SOA ns.df.test. admin.df.test. 1 3600 600 86400 60
@ IN NS ns
@ IN MX 10 mail
ns IN A 192.0.2.53
mail IN A 192.0.2.25
www IN A 192.0.2.10
www IN A 192.0.2.11
www IN AAAA 2001:db8::10
alias IN CNAME www
_http._tcp IN SRV 0 5 80 www
*.item IN A 192.0.2.99
";
