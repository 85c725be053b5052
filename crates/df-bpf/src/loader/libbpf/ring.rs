//! One ring, read a record at a time.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

use libbpf_rs::{MapHandle, MapType, RingBuffer, RingBufferBuilder};

use super::new_map;
use crate::abi::used_bytes;

/// A ring, and libbpf's reader of it.
///
/// libbpf hands records to a function that is settled when the reader is made. It is asked for one at a time, which the
/// function copies to where it is wanted.
pub(super) struct Ring {
    reader: RingBuffer<'static>,
    /// The record that was read last. Nobody waits for it: reader and function are called by one thread.
    record: Arc<Mutex<Vec<u8>>>,
    map: MapHandle,
}

impl Ring {
    pub(super) fn create(ring_bytes: u32) -> libbpf_rs::Result<Self> {
        let map = new_map(MapType::RingBuf, "df_ring", [0, 0, ring_bytes])?;
        let record = Arc::new(Mutex::new(Vec::new()));
        let place = Arc::clone(&record);
        let mut builder = RingBufferBuilder::new();
        builder.add(&map, move |bytes| {
            let mut record = place.lock().unwrap_or_else(PoisonError::into_inner);
            record.clear();
            record.extend_from_slice(bytes.get(..used_bytes(bytes)).unwrap_or_default());
            0
        })?;
        let reader = builder.build()?;
        Ok(Self { reader, record, map })
    }

    /// Takes the next record. False: there is none.
    pub(super) fn next_record(&mut self, record: &mut Vec<u8>) -> bool {
        if self.reader.consume_raw_n(1) < 1 {
            return false;
        }
        std::mem::swap(record, &mut self.record.lock().unwrap_or_else(PoisonError::into_inner));
        true
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}
