//! Many threads that wait in calls at once, which tell whether a call is missed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use crate::calls::Result;

/// So many pairs of threads ask and answer over TCP. Prints the server's port.
pub(crate) fn talk(pairs: &str) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    let mut threads: Vec<JoinHandle<std::io::Result<()>>> = Vec::new();
    for _ in 0..pairs.parse::<usize>()? {
        let mut client = TcpStream::connect(listener.local_addr()?)?;
        let (mut server, _) = listener.accept()?;
        threads.push(std::thread::spawn(move || {
            for _ in 0..ROUNDS {
                client.write_all(&MESSAGE)?;
                client.read_exact(&mut [0; MESSAGE.len()])?;
            }
            Ok(())
        }));
        threads.push(std::thread::spawn(move || {
            for _ in 0..ROUNDS {
                server.read_exact(&mut [0; MESSAGE.len()])?;
                server.write_all(&MESSAGE)?;
            }
            Ok(())
        }));
    }
    for thread in threads {
        thread.join().map_err(|_| "a thread failed")??;
    }
    Ok(())
}

/// How many calls that move something so many pairs make.
pub(crate) const fn calls(pairs: usize) -> usize {
    pairs * ROUNDS * 4
}

const ROUNDS: usize = 50;
const MESSAGE: [u8; 8] = *b"to and f";
