//! Every call that moves datagrams, made once.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use rustix::net::addr::SocketAddrArg;

use crate::calls::{End, Result};

/// Talks to itself over loopback, and prints the server's port and then each call.
pub(crate) fn talk(ip: &str) -> Result<()> {
    let ip: IpAddr = ip.parse()?;
    let (server, client) = (UdpSocket::bind((ip, 0))?, UdpSocket::bind((ip, 0))?);
    let address = server.local_addr()?;
    println!("{}", address.port());
    let (client, server) = (End::new(client, false)?, End::new(server, true)?);
    unconnected(&client, &server, address)?;
    rustix::net::connect(client.socket(), &address)?;
    connected(&client, &server)
}

fn unconnected(client: &End, server: &End, address: SocketAddr) -> Result<()> {
    client.send_to(&address.as_any(), b"question 1")?;
    let peer = server.receive_from()?;
    server.send_to(&peer, b"answer 1")?;
    client.receive_from()?;
    client.send_message(Some(&address.as_any()), &[b"question", b" 2"])?;
    server.receive_message()?;
    server.send_message(Some(&peer), &[b"answer 2"])?;
    client.receive_message()?;
    Ok(())
}

fn connected(client: &End, server: &End) -> Result<()> {
    client.send(b"question 3 is cut")?;
    server.receive(10)?;
    client.write(b"question 4")?;
    server.read()?;
    client.write_vector(&[b"question", b" 5"])?;
    server.read_vector()?;
    client.send_two_messages(b"first of two", b"second")?;
    server.receive_messages()
}
