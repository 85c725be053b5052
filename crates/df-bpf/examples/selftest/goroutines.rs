//! Whether the calls of a Go server are linked to the requests that caused them: its goroutines go from thread to thread.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use df_bpf::{Event, ProbeConfig, Probes};
use df_core::{SocketActivity, SocketEvent, Transfer};

use crate::Outcome;
use crate::calls::Result;
use crate::https::{MAX_DURATION, is_hooked_in_time};

/// Runs the program of `tests/programs/chain.go`, with whose path the variable `SELFTEST_CHAIN` is set.
pub(crate) fn check() -> Result<Outcome> {
    let Ok(program) = std::env::var("SELFTEST_CHAIN") else {
        return Ok(Outcome::Skipped("SELFTEST_CHAIN names no program".into()));
    };
    let mut probes = Probes::load(&ProbeConfig::default())?;
    let back = TcpListener::bind("127.0.0.1:0")?;
    let back_port = back.local_addr()?.port();
    thread::spawn(move || serve_back(&back));
    let mut server = Command::new(&program);
    server.arg(format!("http://127.0.0.1:{back_port}")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = server.spawn()?;
    let outcome = ask_and_watch(&mut probes, &program, &mut server, back_port);
    server.kill()?;
    server.wait()?;
    outcome
}

fn ask_and_watch(probes: &mut Probes, program: &str, server: &mut Child, back_port: u16) -> Result<Outcome> {
    let mut port = String::new();
    BufReader::new(server.stdout.take().ok_or("no pipe")?).read_line(&mut port)?;
    let front_port: u16 = port.trim().parse()?;
    if !is_hooked_in_time(probes, program)? {
        return Ok(Outcome::Failed(format!("the program is not hooked: {:?}", probes.tls_report())));
    }
    let settled = Instant::now();
    while settled.elapsed() < UNTIL_ASKED {
        probes.poll(UNTIL_ASKED, |_| ())?;
    }
    let clients: Vec<_> = (0..CLIENTS).map(|client| thread::spawn(move || ask(front_port, client))).collect();
    let mut told = Told { front_port, back_port, ..Told::default() };
    let mut are_done = false;
    while !are_done {
        are_done = clients.iter().all(thread::JoinHandle::is_finished);
        while probes.poll(Duration::from_millis(100), |event| told.keep(&event))? > 0 {}
    }
    for client in clients {
        client.join().map_err(|_| "a client broke off")??;
    }
    Ok(told.outcome())
}

/// Answers every request, each connection in a thread.
fn serve_back(listener: &TcpListener) {
    for connection in listener.incoming().flatten() {
        thread::spawn(move || answer_all(connection));
    }
}

fn answer_all(mut connection: TcpStream) -> std::io::Result<()> {
    while read_until(&mut connection, b"\r\n\r\n")? {
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
    }
    Ok(())
}

/// Asks over one connection, with a number of its own in every request.
fn ask(port: u16, client: usize) -> std::io::Result<()> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    connection.set_read_timeout(Some(MAX_DURATION))?;
    for request in 0..REQUESTS {
        let number = client * REQUESTS + request;
        let request = format!("GET / HTTP/1.1\r\nHost: guest\r\n{NUMBER}{number}\r\n\r\n");
        connection.write_all(request.as_bytes())?;
        if !read_until(&mut connection, b"\r\n\r\nok")? {
            return Err(std::io::Error::other("the server does not answer"));
        }
    }
    Ok(())
}

/// Reads a message by its last bytes, which come once in it. False: the connection ended first.
fn read_until(connection: &mut TcpStream, end: &[u8]) -> std::io::Result<bool> {
    let (mut message, mut piece) = (Vec::new(), [0; 1024]);
    while !message.ends_with(end) {
        let length = connection.read(&mut piece)?;
        if length == 0 || message.len() > MAX_MESSAGE_BYTES {
            return Ok(false);
        }
        message.extend_from_slice(piece.get(..length).unwrap_or_default());
    }
    Ok(true)
}

/// What the probes told of the server.
#[derive(Default)]
struct Told {
    front_port: u16,
    back_port: u16,
    /// The numbers of requests that it received, by causal id.
    requests: HashMap<u64, String>,
    /// The number of each call that it made, and the causal id.
    calls: Vec<(String, Option<u64>)>,
}

impl Told {
    fn keep(&mut self, event: &Event<'_>) {
        let Event::Socket(SocketEvent { socket, activity: SocketActivity::Data(data), .. }) = event else {
            return;
        };
        // A request may come in parts, of which one has its number.
        let Some(number) = number(data.bytes) else { return };
        let causal_id = data.causal_id.map(df_core::CausalId::number);
        match (data.transfer, causal_id) {
            (Transfer::Received, Some(id)) if socket.local.port == self.front_port => {
                self.requests.insert(id, number);
            }
            (Transfer::Sent, id) if socket.remote.port == self.back_port => self.calls.push((number, id)),
            _ => (),
        }
    }

    /// None may be linked wrongly, and where goroutines can be told nearly all must be linked, else none: some kernels leave out
    /// runs of programs, so that a call, or the request that caused it, is not told.
    fn outcome(&self) -> Outcome {
        let cause = |id: &Option<u64>| id.and_then(|id| self.requests.get(&id));
        let right = self.calls.iter().filter(|(number, id)| cause(id) == Some(number)).count();
        let is_wrong = |(number, id): &&(String, Option<u64>)| cause(id).is_some_and(|cause| cause != number);
        let wrong = self.calls.iter().filter(is_wrong).count();
        let linked = self.calls.iter().filter(|(_, id)| id.is_some()).count();
        let is_right = if can_tell_goroutines() { are_nearly_all(right) } else { linked == 0 };
        if wrong == 0 && is_right && are_nearly_all(self.calls.len()) {
            return Outcome::Passed(format!("{right} of {CALLS} calls"));
        }
        let told = format!("{} of {CALLS} calls and {} requests told", self.calls.len(), self.requests.len());
        Outcome::Failed(format!("{told}, {linked} calls linked, {right} rightly, {wrong} wrongly"))
    }
}

fn are_nearly_all(calls: usize) -> bool {
    calls * 10 >= CALLS * 9
}

/// The number that a request carries.
fn number(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (_, after) = text.split_once(NUMBER)?;
    let (number, _) = after.split_once("\r\n")?;
    Some(number.to_owned())
}

/// On ARM that takes the registers of the process, for which there is a helper since Linux 5.15.
fn can_tell_goroutines() -> bool {
    let has_helper = || {
        let types = std::fs::read("/sys/kernel/btf/vmlinux").unwrap_or_default();
        types.windows(HELPER.len()).any(|name| name == HELPER)
    };
    cfg!(target_arch = "x86_64") || has_helper()
}

const HELPER: &[u8] = b"BPF_FUNC_task_pt_regs\0";
const NUMBER: &str = "X-Number: ";
const CLIENTS: usize = 4;
const REQUESTS: usize = 10;
/// The server calls twice for each request.
const CALLS: usize = CLIENTS * REQUESTS * 2;
const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// A thread that was seen before its program was known is asked for it again within a second.
const UNTIL_ASKED: Duration = Duration::from_secs(2);
