//! Eclipse Mosquitto.

use std::process::Command;

use rustix::process::Signal;

use super::{Launch, Site};
use crate::PeerError;
use crate::place::{find, run};

/// Mosquitto that lets everybody in but who gives a wrong password, keeps nothing, and refuses topics below `secret`. It
/// knows `ada` with password `lovelace`.
pub(super) fn mosquitto(site: &Site<'_>) -> Result<Launch, PeerError> {
    let mosquitto = find("mosquitto", "mosquitto")?;
    let rules = "topic readwrite #\ntopic deny secret/#\nuser ada\ntopic readwrite #\ntopic deny secret/#\n";
    let rules = site.write("acl", rules)?;
    let passwords = site.path("passwords");
    let mut make = Command::new(find("mosquitto_passwd", "mosquitto")?);
    run(make.args(["-b", "-c"]).arg(&passwords).args(["ada", "lovelace"]))?;
    let configuration = format!(
        "listener {}\nallow_anonymous true\npassword_file {}\nacl_file {}\nmax_topic_alias 10\npersistence false\n\
         user root\nlog_dest stderr\nlog_type all\n",
        site.port,
        passwords.display(),
        rules.display(),
    );
    let configuration = site.write("mosquitto.conf", configuration)?;
    let mut command = site.place.tied_command(&mosquitto, None);
    command.arg("-c").arg(configuration);
    Ok(Launch { command, ready_line: Some("running"), stop_signal: Signal::TERM })
}
