//! Unix sockets: a program talks to itself over one, and both ends are told with its path.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::time::{Duration, Instant};

use df_bpf::{Event, ProbeConfig, Probes};
use df_core::{SocketActivity, SocketRole, StreamPosition, Transfer, Transport};

use crate::Outcome;
use crate::calls::Result;

/// Whether each end tells its four events, with the same ends and places.
pub(crate) fn check() -> Result<Outcome> {
    let path = std::env::temp_dir().join(format!("df-selftest-{}.sock", std::process::id()));
    let path = path.to_str().ok_or("a folder that is no text")?;
    let mut probes = Probes::load(&ProbeConfig::default().with_tls(None).with_unix_sockets(true))?;
    let mut child = Command::new(std::env::current_exe()?).args(["unix", path]).spawn()?;
    let mut told = Vec::new();
    let begin = Instant::now();
    loop {
        let has_ended = child.try_wait()?.is_some();
        while probes.poll(Duration::from_millis(100), |event| told.extend(shown(&event, path)))? > 0 {}
        if has_ended {
            break;
        }
        if begin.elapsed() > MAX_DURATION {
            child.kill()?;
            return Err("the program that talks over a Unix socket does not end".into());
        }
    }
    let is_well = child.wait()?.success();
    std::fs::remove_file(path)?;
    let expected = [
        ["client opened", "client sent 0 question", "client received 0 answer", "client closed"],
        ["server opened", "server received 0 question", "server sent 0 answer", "server closed"],
    ];
    let of =
        |role: &str| told.iter().filter(|one| one.starts_with(role)).map(String::as_str).collect::<Vec<_>>();
    if is_well && of("client") == expected[0] && of("server") == expected[1] {
        return Ok(Outcome::passed(format!("{} events", told.len())));
    }
    Ok(Outcome::Failed(format!("{told:?}")))
}

/// Talks to itself, at a path.
pub(crate) fn talk(path: &str) -> Result<()> {
    let listener = UnixListener::bind(path)?;
    let mut client = UnixStream::connect(path)?;
    client.write_all(b"question")?;
    let mut server = listener.accept()?.0;
    server.read_exact(&mut [0; 8])?;
    server.write_all(b"answer")?;
    client.read_exact(&mut [0; 6])?;
    Ok(())
}

/// What was told at that path, in words.
fn shown(event: &Event<'_>, path: &str) -> Option<String> {
    let Event::Socket(event) = event else { return None };
    let socket = event.socket;
    let (role, server) = match socket.role {
        SocketRole::Server => ("server", socket.local),
        _ => ("client", socket.remote),
    };
    if socket.transport != Transport::Unix || server.to_string() != path {
        return None;
    }
    Some(match event.activity {
        SocketActivity::Opened => format!("{role} opened"),
        SocketActivity::Closed => format!("{role} closed"),
        SocketActivity::Data(data) => {
            let transfer = if data.transfer == Transfer::Sent { "sent" } else { "received" };
            let place = match data.position {
                StreamPosition::Counted { offset, is_from_start: true } => offset.to_string(),
                other => format!("{other:?}"),
            };
            format!("{role} {transfer} {place} {}", String::from_utf8_lossy(data.bytes))
        }
        _ => format!("{role} did something else"),
    })
}

/// Emulated kernels are slow.
const MAX_DURATION: Duration = Duration::from_secs(60);
