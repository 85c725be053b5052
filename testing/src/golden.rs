//! Golden cases: folders with a recorded conversation, what made it and what must be seen in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{find, run};
use crate::{Namespaces, PeerError, Recording, Server, ServerKind};

/// One folder `testdata/<protocol>/<case>` with `client.sh`, `input.pcap`, `expected.jsonl` and `README.md`.
///
/// `client.sh` is what the recorder runs. Its first comment lines say what the case is about, then:
///
/// - `# servers: nginx tinyproxy`: what it talks to, each on its usual port of `$SERVER`
/// - `# clients: curl`: the Debian packages whose versions the README names
/// - `# lose: frame.number <= 9`: which packets to take out of the recording, in tshark's words, as if the capture had
///   begun later or lost them
#[derive(Debug, Clone)]
pub struct GoldenCase {
    directory: PathBuf,
}

impl GoldenCase {
    /// Every case, in the order of their names.
    ///
    /// # Errors
    ///
    /// The folder `testdata` cannot be read.
    pub fn all() -> Result<Vec<Self>, PeerError> {
        let mut cases = Vec::new();
        for protocol in folders(&testdata())? {
            let directories = folders(&protocol)?.into_iter();
            cases.extend(
                directories
                    .filter(|folder| folder.join(CLIENT).is_file())
                    .map(|directory| Self { directory }),
            );
        }
        cases.sort_by(|one, other| one.directory.cmp(&other.directory));
        Ok(cases)
    }

    /// The case's name: `protocol/case`.
    pub fn name(&self) -> String {
        self.directory.strip_prefix(testdata()).unwrap_or(&self.directory).display().to_string()
    }

    /// The recording.
    pub fn input(&self) -> PathBuf {
        self.directory.join("input.pcap")
    }

    /// The records that must come out of it.
    pub fn expected(&self) -> PathBuf {
        self.directory.join("expected.jsonl")
    }

    /// Makes the recording anew from real servers and clients, and the README with it.
    ///
    /// # Errors
    ///
    /// A program is missing or fails, or the recording is larger than what belongs into a repository.
    pub fn record(&self) -> Result<(), PeerError> {
        let script = Script::read(&self.directory.join(CLIENT))?;
        let namespaces = Namespaces::joined()?;
        let start = |kind: &ServerKind| Server::start_at(*kind, &namespaces.server(), kind.usual_port());
        let servers = script.servers.iter().map(start).collect::<Result<Vec<_>, _>>()?;
        let filter = format!("host {} and (tcp or udp or icmp)", Namespaces::SERVER);
        let recording =
            Recording::start(&namespaces.client(), Namespaces::INTERFACE, &filter, &self.input())?;
        let mut client = namespaces.client().command("sh");
        client.arg("-eu").arg(self.directory.join(CLIENT)).env("SERVER", Namespaces::SERVER);
        client.current_dir(servers.first().map_or(self.directory.as_path(), Server::directory));
        run(&mut client)?;
        recording.stop();
        self.lose(script.lost.as_deref())?;
        write(&self.directory.join("README.md"), &self.readme(&script)?)?;
        self.check_size()
    }

    /// Takes packets out of the recording.
    fn lose(&self, lost: Option<&str>) -> Result<(), PeerError> {
        let Some(lost) = lost else {
            return Ok(());
        };
        let whole = self.directory.join("whole.pcap.tmp");
        let tshark = find("tshark", "tshark")?;
        run(Command::new("mv").arg(self.input()).arg(&whole))?;
        let rest = format!("not ({lost})");
        run(Command::new(tshark)
            .arg("-r")
            .arg(&whole)
            .args(["-Y", &rest, "-F", "nsecpcap", "-w"])
            .arg(self.input()))?;
        run(Command::new("rm").arg(&whole)).map(|_| ())
    }

    fn check_size(&self) -> Result<(), PeerError> {
        let path = self.input();
        let bytes = std::fs::metadata(&path).map_err(|source| PeerError::File { path, source })?.len();
        if bytes <= MAX_RECORDING_BYTES {
            return Ok(());
        }
        let output = format!("{bytes} bytes are too many for the repository; at most {MAX_RECORDING_BYTES}");
        Err(PeerError::Failed { command: format!("recording {}", self.name()), output })
    }

    fn readme(&self, script: &Script) -> Result<String, PeerError> {
        let packages =
            script.servers.iter().map(|kind| kind.package()).chain(script.clients.iter().map(String::as_str));
        let mut query = Command::new("dpkg-query");
        let versions = run(query.args(["-W", "-f", "- ${Package} ${Version}\n"]).args(packages))?;
        let name = self.name();
        let cut = script.lost.as_ref().map_or_else(String::new, |lost| {
            format!(
                "\nPackets were taken out of the recording, as if the capture had missed them: `{lost}`.\n"
            )
        });
        Ok(format!(
            "# {name}\n\n{}\n\nThe client did what `client.sh` says; `expected.jsonl` is what must be seen in it.\n{cut}\n\
             Recorded by us between two network namespaces of one machine, with tcpdump at the client's end:\n\n\
             ```sh\ncargo run -p df-testing --bin record -- {name}\n```\n\n{versions}\n\
             Licence: ours, MIT OR Apache-2.0.\n",
            script.about
        ))
    }
}

/// What the head of a `client.sh` says.
struct Script {
    about: String,
    servers: Vec<ServerKind>,
    clients: Vec<String>,
    lost: Option<String>,
}

impl Script {
    fn read(path: &Path) -> Result<Self, PeerError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| PeerError::File { path: path.to_path_buf(), source })?;
        let mut script = Self { about: String::new(), servers: Vec::new(), clients: Vec::new(), lost: None };
        let mut about = Vec::new();
        for line in text.lines().map_while(|line| line.strip_prefix("# ")) {
            let (key, value) = line.split_once(": ").unwrap_or(("", line));
            let words = || value.split_whitespace();
            match key {
                "servers" => {
                    let named = |word: &str| ServerKind::ALL.iter().copied().find(|kind| kind.name() == word);
                    script.servers = words().filter_map(named).collect();
                }
                "clients" => script.clients = words().map(str::to_owned).collect(),
                "lose" => script.lost = Some(value.to_owned()),
                _ => about.push(line),
            }
        }
        script.about = about.join("\n");
        Ok(script)
    }
}

fn testdata() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).join("testdata")
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, PeerError> {
    let entries =
        std::fs::read_dir(path).map_err(|source| PeerError::File { path: path.to_path_buf(), source })?;
    Ok(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

fn write(path: &Path, text: &str) -> Result<(), PeerError> {
    std::fs::write(path, text).map_err(|source| PeerError::File { path: path.to_path_buf(), source })
}

const CLIENT: &str = "client.sh";
const MAX_RECORDING_BYTES: u64 = 200_000;
