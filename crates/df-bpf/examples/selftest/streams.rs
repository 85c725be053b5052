//! Every call that moves bytes over TCP, made once.

use std::io::Write;
use std::net::{IpAddr, TcpListener, TcpStream};

use rustix::net::Shutdown;

use crate::calls::{End, Result};

/// Talks to itself over loopback, and prints the server's port and then each call.
pub(crate) fn talk(ip: &str) -> Result<()> {
    let ip: IpAddr = ip.parse()?;
    let listener = TcpListener::bind((ip, 0))?;
    println!("{}", listener.local_addr()?.port());
    let client = TcpStream::connect(listener.local_addr()?)?;
    let server: TcpStream = if ip.is_ipv4() { listener.accept()?.0 } else { accept_plainly(&listener)? };
    let (client, server) = (End::new(client, false)?, End::new(server, true)?);
    converse(&client, &server)?;
    // One end is closed, the other is shut down before.
    drop(client);
    rustix::net::shutdown(server.socket(), Shutdown::Both)?;
    Ok(())
}

/// By `accept`, where the standard library calls `accept4`.
fn accept_plainly(listener: &TcpListener) -> Result<TcpStream> {
    Ok(rustix::net::accept(listener)?.into())
}

fn converse(client: &End, server: &End) -> Result<()> {
    client.send(b"by send")?;
    exactly(7, || server.receive(100))?;
    client.write(b"by write")?;
    exactly(8, || server.read())?;
    client.write_vector(&[b"by ", b"", b"write", b"v"])?;
    exactly(9, || server.read_vector())?;
    client.send_message(None, &[b"by ", b"sendmsg"])?;
    exactly(10, || server.receive_message())?;
    client.send_two_messages(b"two messages", b"at once")?;
    exactly(19, || server.read())?;
    client.send(b"looked at")?;
    server.look()?;
    exactly(6, || server.receive(6))?;
    exactly(3, || server.receive(100))?;
    // Longer than what is copied of a call, then two buffers of which the second goes beyond it.
    server.send(&[b'L'; 5000])?;
    exactly(5000, || client.receive(5000))?;
    server.send_message(None, &[&[b'a'; 1000], &[b'b'; 1000]])?;
    exactly(2000, || client.receive_message())?;
    without_copies(client, server)?;
    client.send(b"thrown away")?;
    server.throw_away(11)?;
    client.send(b"after all")?;
    exactly(9, || server.receive(100))
}

/// Bytes that do not pass through the process.
fn without_copies(client: &End, server: &End) -> Result<()> {
    let file = std::fs::File::open(std::env::current_exe()?)?;
    server.send_file(file, 700)?;
    exactly(700, || client.receive(700))?;
    let (out, mut into) = std::io::pipe()?;
    into.write_all(&[b'S'; 300])?;
    server.splice_from(&out, 300)?;
    exactly(300, || client.splice_to(&into, 300))
}

/// Calls until so many bytes were moved.
fn exactly(mut length: usize, mut receive: impl FnMut() -> Result<usize>) -> Result<()> {
    while length > 0 {
        let received = receive()?;
        if received == 0 {
            return Err("the connection ended early".into());
        }
        length = length.saturating_sub(received);
    }
    Ok(())
}
