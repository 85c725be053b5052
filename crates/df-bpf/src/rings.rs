//! Puts the records of all rings in order of time, as far as they are there.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{Timespec, epoll};

use crate::abi::exit_ns_of;
use crate::clock::monotonic_ns;
use crate::error::LoadError;
use crate::loader::Loader;

/// The next record of each ring.
///
/// Each processor has a ring of its own, whose records are nearly in order of time. Of the records that wait at the
/// heads of the rings the earliest is given out first.
pub(crate) struct Rings {
    heads: Vec<Head>,
    /// Whose record was given out last.
    given: Option<usize>,
    /// When all rings were last looked at, on the clock of the records: a ring that was empty then has nothing older.
    looked_ns: u64,
    waker: OwnedFd,
}

#[derive(Default)]
struct Head {
    record: Vec<u8>,
    /// When the record came back; none: there is no record.
    exit_ns: Option<u64>,
}

impl Rings {
    pub(crate) fn new(loader: &dyn Loader) -> Result<Self, LoadError> {
        let failed = |call| move |error: rustix::io::Errno| LoadError::of(call, io::Error::from(error));
        let waker = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(failed("epoll_create1"))?;
        for ring in 0..loader.rings() {
            let Some(fd) = loader.ring_fd(ring) else { continue };
            // Edge-triggered: not whenever there is something, but when the programs ask for it.
            let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
            let data = epoll::EventData::new_u64(0);
            epoll::add(&waker, fd, data, flags).map_err(failed("epoll_ctl"))?;
        }
        let heads = (0..loader.rings()).map(|_| Head::default()).collect();
        Ok(Self { heads, given: None, looked_ns: 0, waker })
    }

    /// Takes the earliest of the records at the heads of all rings. Empty ones are looked at again only when what is to be given
    /// out is younger than the last look: a host has many processors, and one of them has most to tell.
    pub(crate) fn next_record(&mut self, loader: &mut dyn Loader, record: &mut Vec<u8>) -> bool {
        if let Some(ring) = self.given
            && let Some(head) = self.heads.get_mut(ring)
        {
            head.fill(ring, loader);
        }
        let mut first = self.first();
        if first.is_none_or(|(exit_ns, _)| exit_ns > self.looked_ns) {
            self.looked_ns = monotonic_ns();
            for (ring, head) in self.heads.iter_mut().enumerate() {
                head.fill(ring, loader);
            }
            first = self.first();
        }
        self.given = first.map(|(_, ring)| ring);
        let Some(head) = self.given.and_then(|ring| self.heads.get_mut(ring)) else {
            return false;
        };
        std::mem::swap(record, &mut head.record);
        head.exit_ns = None;
        true
    }

    fn first(&self) -> Option<(u64, usize)> {
        let waiting = self.heads.iter().enumerate();
        waiting.filter_map(|(ring, head)| Some((head.exit_ns?, ring))).min()
    }

    /// Waits until a ring is full enough to be read, or for `timeout`.
    pub(crate) fn wait(&self, timeout: Duration) -> Result<(), LoadError> {
        let timeout = Timespec::try_from(timeout).ok();
        let mut events = [const { std::mem::MaybeUninit::uninit() }; 4];
        match epoll::wait(&self.waker, &mut events, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(LoadError::of("epoll_wait", io::Error::from(error))),
        }
    }
}

impl Head {
    fn fill(&mut self, ring: usize, loader: &mut dyn Loader) {
        if self.exit_ns.is_none() && loader.next_record(ring, &mut self.record) {
            self.exit_ns = Some(exit_ns_of(&self.record));
        }
    }
}
