//! Paths of Unix sockets: told once, and put into the ends of every event of their connection.

use std::collections::HashMap;

use df_core::{Endpoint, SocketActivity, SocketId, SocketRole, Transport, UnixAddress, UnixPath};

use crate::Event;

/// The paths of connections, by this side's socket.
///
/// The end of a connection may never be told: so those that nobody asked for since the table was half full last time are
/// forgotten.
#[derive(Debug, Default)]
pub(crate) struct UnixPaths {
    recent: HashMap<SocketId, UnixPath>,
    older: HashMap<SocketId, UnixPath>,
    max_sockets: usize,
    lost: u64,
}

impl UnixPaths {
    pub(crate) fn new(max_sockets: u32) -> Self {
        Self { max_sockets: usize::try_from(max_sockets).unwrap_or(usize::MAX), ..Self::default() }
    }

    /// Takes note of a path. Gives other events back, with the path in their ends.
    pub(crate) fn apply<'a>(&mut self, mut event: Event<'a>) -> Option<Event<'a>> {
        match &mut event {
            Event::Path(socket, path) => {
                match UnixPath::new(path) {
                    Some(path) => self.insert(*socket, path),
                    None => self.lost += 1,
                }
                return None;
            }
            Event::Socket(event) if event.socket.transport == Transport::Unix => {
                let socket = &mut event.socket;
                if let Some(path) = self.find(socket.id) {
                    let server = Endpoint::unix(UnixAddress::at_path(path));
                    *(if socket.role == SocketRole::Server {
                        &mut socket.local
                    } else {
                        &mut socket.remote
                    }) = server;
                }
                if event.activity == SocketActivity::Closed {
                    self.recent.remove(&socket.id);
                    self.older.remove(&socket.id);
                }
            }
            _ => {}
        }
        Some(event)
    }

    /// How many paths found no room.
    pub(crate) const fn lost(&self) -> u64 {
        self.lost
    }

    fn find(&mut self, socket: SocketId) -> Option<UnixPath> {
        if let Some(path) = self.recent.get(&socket) {
            return Some(*path);
        }
        let path = self.older.remove(&socket)?;
        self.insert(socket, path);
        Some(path)
    }

    fn insert(&mut self, socket: SocketId, path: UnixPath) {
        if self.recent.len() >= self.max_sockets / 2 {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(socket, path);
    }
}

#[cfg(test)]
mod tests {
    use df_core::{Command, Socket, SocketEvent, Task, Timestamp};

    use super::*;

    #[test]
    fn the_server_of_every_event_is_at_the_path() {
        let mut paths = UnixPaths::new(8);
        assert_eq!(paths.apply(Event::Path(SocketId(7), b"/run/php.sock")), None);
        let path = Endpoint::unix(UnixAddress::at_path(UnixPath::new(b"/run/php.sock").unwrap()));
        let inode = |inode| Endpoint::unix(UnixAddress::of_inode(inode));
        let ends = |paths: &mut UnixPaths, role, activity| {
            let socket = Socket::new(SocketId(7), Transport::Unix, inode(7), inode(9)).with_role(role);
            let event =
                SocketEvent::new(Timestamp::ZERO, socket, Task::new(1, 1, Command::new([0; 16])), activity);
            match paths.apply(Event::Socket(event)) {
                Some(Event::Socket(event)) => [event.socket.local, event.socket.remote],
                other => panic!("{other:?}"),
            }
        };
        let opened = SocketActivity::Opened;
        assert_eq!(ends(&mut paths, SocketRole::Client, opened), [inode(7), path]);
        assert_eq!(ends(&mut paths, SocketRole::Server, opened), [path, inode(9)]);
        assert_eq!(ends(&mut paths, SocketRole::Server, SocketActivity::Closed), [path, inode(9)]);
        assert_eq!(ends(&mut paths, SocketRole::Client, opened), [inode(7), inode(9)], "it was forgotten");
    }

    #[test]
    fn one_that_is_used_outlives_those_that_are_not() {
        let mut paths = UnixPaths::new(8);
        for number in 0..100 {
            paths.apply(Event::Path(SocketId(number), b"/run/a.sock"));
            assert!(paths.find(SocketId(0)).is_some(), "after {number}");
            assert!(paths.recent.len() + paths.older.len() <= 8);
        }
        assert_eq!(paths.find(SocketId(50)), None);
    }
}
