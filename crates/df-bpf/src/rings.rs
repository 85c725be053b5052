//! Puts the records of all rings in order of time, as far as they are there.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{Timespec, epoll};

use crate::abi::exit_ns_of;
use crate::error::LoadError;
use crate::loader::Loader;

/// The next record of each ring.
///
/// Each processor has a ring of its own, whose records are nearly in order of time. Of the records that wait at the
/// heads of the rings the earliest is given out first.
pub(crate) struct Rings {
    heads: Vec<Head>,
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
        Ok(Self { heads, waker })
    }

    /// Takes the earliest of the records at the heads of all rings.
    pub(crate) fn next_record(&mut self, loader: &mut dyn Loader, record: &mut Vec<u8>) -> bool {
        for (ring, head) in self.heads.iter_mut().enumerate() {
            if head.exit_ns.is_none() && loader.next_record(ring, &mut head.record) {
                head.exit_ns = Some(exit_ns_of(&head.record));
            }
        }
        let waiting = self.heads.iter_mut().filter(|head| head.exit_ns.is_some());
        let Some(first) = waiting.min_by_key(|head| head.exit_ns) else {
            return false;
        };
        std::mem::swap(record, &mut first.record);
        first.exit_ns = None;
        true
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
