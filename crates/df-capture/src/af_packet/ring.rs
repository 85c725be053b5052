//! The ring of blocks that the kernel fills and we read (TPACKET_V3).
//!
//! ```text
//! ring  = block, block, ...                          each `block_bytes` long
//! block = descriptor | packet | packet | ...         owned by the kernel or by us, as its status says
//! packet = tpacket3_hdr | sockaddr_ll | frame        the next one is `tp_next_offset` bytes on
//! ```
//!
//! A block is ours from the moment its status says so until we give it back, and we give it back only when the next
//! frame is asked for, so no frame outlives its block.

use std::mem::offset_of;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

use df_core::Timestamp;

use super::error::CaptureError;
use super::socket::PacketSocket;

/// The mapped ring and the place up to which it is read.
#[derive(Debug)]
pub(super) struct Ring {
    memory: NonNull<u8>,
    block_bytes: usize,
    block_count: usize,
    /// The block that is read, or waited for.
    block: usize,
    /// Packets of it that are not read; none until it is ours.
    packets_left: Option<u32>,
    /// Where in it the next packet begins.
    next_packet: usize,
}

// SAFETY: the mapping belongs to this value alone and is not bound to the thread that made it.
unsafe impl Send for Ring {}

/// One packet of the ring.
pub(super) struct RingPacket<'a> {
    pub(super) header: libc::tpacket3_hdr,
    pub(super) address: libc::sockaddr_ll,
    pub(super) bytes: &'a [u8],
}

impl RingPacket<'_> {
    /// When the kernel saw it.
    pub(super) fn timestamp(&self) -> Timestamp {
        timestamp(&self.header)
    }
}

/// Where a packet lies in the current block; checked to be within it.
#[derive(Clone, Copy)]
pub(super) struct PacketPlace {
    header: libc::tpacket3_hdr,
    address: libc::sockaddr_ll,
    start: usize,
    len: usize,
}

impl PacketPlace {
    /// Where it came from.
    pub(super) const fn address(&self) -> &libc::sockaddr_ll {
        &self.address
    }

    /// When the kernel saw it.
    pub(super) fn timestamp(&self) -> Timestamp {
        timestamp(&self.header)
    }
}

fn timestamp(header: &libc::tpacket3_hdr) -> Timestamp {
    Timestamp::from_parts(u64::from(header.tp_sec), header.tp_nsec)
}

impl Ring {
    pub(super) fn map(
        socket: &PacketSocket,
        block_bytes: usize,
        block_count: usize,
    ) -> Result<Self, CaptureError> {
        let ring_bytes = block_bytes.saturating_mul(block_count);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the call makes a new mapping at an address of the kernel's choice and touches no other memory.
        let memory = unsafe {
            libc::mmap(ptr::null_mut(), ring_bytes, protection, libc::MAP_SHARED, socket.descriptor(), 0)
        };
        if memory == libc::MAP_FAILED {
            return Err(CaptureError::last("mmap(PACKET_RX_RING)"));
        }
        let Some(memory) = NonNull::new(memory.cast()) else {
            return Err(CaptureError::NoMemory { call: "mmap(PACKET_RX_RING)", ring_bytes });
        };
        Ok(Self { memory, block_bytes, block_count, block: 0, packets_left: None, next_packet: 0 })
    }

    /// Moves to the next packet; none when the kernel owns the block that is next.
    pub(super) fn advance(&mut self) -> Option<PacketPlace> {
        loop {
            match self.packets_left {
                None => self.take_block()?,
                Some(0) => self.give_block_back(),
                Some(left) => {
                    self.packets_left = Some(left.saturating_sub(1));
                    if let Some(place) = self.read_packet() {
                        return Some(place);
                    }
                    // A header that points outside of its block: the rest of the block cannot be trusted.
                    self.packets_left = Some(0);
                }
            }
        }
    }

    /// The packet at a place that [`Ring::advance`] has just given.
    pub(super) fn packet(&mut self, place: PacketPlace) -> RingPacket<'_> {
        // SAFETY: the place was checked to be within the block. The block is ours until the next call of `advance`,
        // which the borrow of `self` rules out while the bytes are in use, and the kernel writes to none of ours.
        let bytes = unsafe { slice::from_raw_parts(self.block_start().add(place.start), place.len) };
        RingPacket { header: place.header, address: place.address, bytes }
    }

    fn block_start(&self) -> *mut u8 {
        let offset = self.block.saturating_mul(self.block_bytes);
        // SAFETY: `block` is below `block_count`, so the block lies within the mapping.
        unsafe { self.memory.as_ptr().add(offset) }
    }

    fn status(&self) -> &AtomicU32 {
        let at = offset_of!(libc::tpacket_block_desc, hdr) + offset_of!(libc::tpacket_hdr_v1, block_status);
        // SAFETY: every block begins with its descriptor, page-aligned, so the status is aligned and mapped. Both
        // sides access it atomically only.
        unsafe { AtomicU32::from_ptr(self.block_start().add(at).cast()) }
    }

    /// Takes the next block, if the kernel is done with it.
    fn take_block(&mut self) -> Option<()> {
        if self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: the block is ours, as its status says, and begins with a descriptor of this version, which
        // consists of numbers only.
        let header =
            unsafe { self.block_start().cast::<libc::tpacket_block_desc>().read_unaligned().hdr.bh1 };
        self.packets_left = Some(header.num_pkts);
        self.next_packet = usize::try_from(header.offset_to_first_pkt).unwrap_or(usize::MAX);
        Some(())
    }

    fn give_block_back(&mut self) {
        self.status().store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.packets_left = None;
        self.block = self.block.saturating_add(1);
        if self.block >= self.block_count {
            self.block = 0;
        }
    }

    /// Reads the headers of the packet that is next and moves past it; none when they do not fit the block.
    fn read_packet(&mut self) -> Option<PacketPlace> {
        let at = self.next_packet;
        let frame_at = at.checked_add(ADDRESS_OFFSET)?.checked_add(size_of::<libc::sockaddr_ll>())?;
        if frame_at > self.block_bytes {
            return None;
        }
        // SAFETY: the block is ours and the header lies within it, as checked just above.
        let header = unsafe { self.block_start().add(at).cast::<libc::tpacket3_hdr>().read_unaligned() };
        // SAFETY: the same check covers the address, which follows the header.
        let address = unsafe {
            self.block_start().add(at).add(ADDRESS_OFFSET).cast::<libc::sockaddr_ll>().read_unaligned()
        };
        let start = at.checked_add(usize::from(header.tp_mac))?;
        let len = usize::try_from(header.tp_snaplen).ok()?;
        if start.checked_add(len)? > self.block_bytes {
            return None;
        }
        self.next_packet = at.checked_add(usize::try_from(header.tp_next_offset).ok()?)?;
        Some(PacketPlace { header, address, start, len })
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        let ring_bytes = self.block_bytes.saturating_mul(self.block_count);
        // SAFETY: the mapping has this address and length, and no packet borrows from it any more.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), ring_bytes) };
    }
}

/// TPACKET_ALIGN(sizeof(struct tpacket3_hdr)): where the address begins within a packet.
const ADDRESS_OFFSET: usize = size_of::<libc::tpacket3_hdr>().next_multiple_of(libc::TPACKET_ALIGNMENT);
