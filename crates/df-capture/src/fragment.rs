//! Puts the fragments of IP datagrams together, within bounds, and accounts for every one.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use df_core::{InterfaceId, Timestamp, VirtualNetwork, VlanTags};

mod pending;
mod stats;

use pending::{Pending, Placement};
pub use stats::FragmentStats;

/// The bounds on fragments that wait for others of their datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FragmentConfig {
    /// How many datagrams may be incomplete at once; the oldest gives way. Default 1,024.
    pub max_datagrams: usize,
    /// How many bytes of them are held in all, with what it takes to keep them; the oldest gives way. Default 8 MiB.
    pub max_total_bytes: usize,
    /// How many fragments a datagram may have; one with more is refused. Default 512.
    pub max_fragments: usize,
    /// How long after its first fragment a datagram may become whole, by the packets' clock. Default 30 s.
    pub timeout: Duration,
}

impl Default for FragmentConfig {
    fn default() -> Self {
        Self {
            max_datagrams: 1_024,
            max_total_bytes: 8 << 20,
            max_fragments: 512,
            timeout: Duration::from_secs(30),
        }
    }
}

/// What the fragments of one datagram share (RFC 791 §3.2, RFC 8200 §4.5), and where they were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FragmentKey {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) identification: u32,
    /// The protocol of IPv4; 0 for IPv6.
    pub(crate) protocol: u8,
    pub(crate) interface: InterfaceId,
    pub(crate) vlan: VlanTags,
    pub(crate) virtual_network: Option<VirtualNetwork>,
}

/// One fragment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fragment<'a> {
    pub(crate) timestamp: Timestamp,
    /// Where its bytes belong in the datagram.
    pub(crate) offset: u32,
    /// Whether others come behind it.
    pub(crate) has_more: bool,
    /// The protocol behind the IP headers.
    pub(crate) protocol: u8,
    /// The captured bytes, of which `wire_len` were on the wire.
    pub(crate) bytes: &'a [u8],
    pub(crate) wire_len: u32,
    /// What it takes of the account: the IP packet's length, and that of the frames that carried it.
    pub(crate) ip_len: u32,
    pub(crate) frame_len: u32,
}

/// A datagram that has become whole: what its fragments come to together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) protocol: u8,
    pub(crate) wire_len: u32,
    pub(crate) ip_len: u32,
    pub(crate) fragments: u32,
    pub(crate) frame_len: u32,
}

/// The datagrams that wait for fragments.
#[derive(Debug)]
pub(crate) struct Defragmenter {
    config: FragmentConfig,
    pending: HashMap<FragmentKey, Pending>,
    /// In the order of their first fragments. A datagram that has become whole stays here until its turn.
    order: VecDeque<Place>,
    total_bytes: usize,
    next_number: u64,
    now: Timestamp,
    stats: FragmentStats,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    key: FragmentKey,
    number: u64,
    began: Timestamp,
}

/// Why a datagram is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drop {
    TimedOut,
    Evicted,
}

impl Defragmenter {
    /// Nothing waits. Memory is taken as fragments come.
    pub(crate) fn new(config: FragmentConfig) -> Self {
        Self {
            config,
            pending: HashMap::new(),
            order: VecDeque::new(),
            total_bytes: 0,
            next_number: 0,
            now: Timestamp::ZERO,
            stats: FragmentStats::default(),
        }
    }

    /// Takes one fragment. If its datagram is whole now, its bytes are put `into` the room and what they are is given;
    /// what the capture cut off, and what follows it, is missing there.
    pub(crate) fn handle_fragment(
        &mut self,
        key: FragmentKey,
        fragment: &Fragment<'_>,
        into: &mut Vec<u8>,
    ) -> Option<Whole> {
        self.now = self.now.max(fragment.timestamp);
        self.stats.fragments += 1;
        self.give_up_old();
        if !fragment.is_well_formed() {
            self.stats.malformed += 1;
            return None;
        }
        let (number, began) = (self.next_number, self.now);
        let pending = match self.pending.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                self.next_number += 1;
                self.order.push_back(Place { key, number, began });
                self.total_bytes = self.total_bytes.saturating_add(Pending::OVERHEAD_BYTES);
                entry.insert(Pending::new(number))
            }
        };
        let bytes_before = pending.held_bytes();
        let placement = pending.place(fragment, self.config.max_fragments);
        self.total_bytes = self.total_bytes.saturating_add(pending.held_bytes()).saturating_sub(bytes_before);
        match placement {
            Placement::Held => {}
            Placement::Refused(fragments) => self.stats.refused += fragments,
            Placement::Complete => {
                let whole = self.complete(&key, into);
                self.make_room();
                return whole;
            }
        }
        self.make_room();
        None
    }

    /// What became of the fragments so far.
    pub(crate) fn stats(&self) -> FragmentStats {
        self.stats
    }

    fn complete(&mut self, key: &FragmentKey, into: &mut Vec<u8>) -> Option<Whole> {
        let pending = self.remove(key)?;
        self.stats.datagrams += 1;
        self.stats.reassembled += pending.fragments();
        Some(pending.assemble(into))
    }

    fn remove(&mut self, key: &FragmentKey) -> Option<Pending> {
        let pending = self.pending.remove(key)?;
        let bytes = pending.held_bytes().saturating_add(Pending::OVERHEAD_BYTES);
        self.total_bytes = self.total_bytes.saturating_sub(bytes);
        Some(pending)
    }

    fn give_up_old(&mut self) {
        while let Some(oldest) = self.order.front().copied() {
            let is_gone = !self.is_pending(&oldest);
            if !is_gone && self.now.since(oldest.began) < self.config.timeout {
                return;
            }
            self.order.pop_front();
            if !is_gone {
                self.give_up(&oldest.key, Drop::TimedOut);
            }
        }
    }

    fn make_room(&mut self) {
        if self.order.len() > self.config.max_datagrams.saturating_mul(4) {
            let pending = &self.pending;
            self.order
                .retain(|place| pending.get(&place.key).is_some_and(|one| one.number() == place.number));
        }
        while self.pending.len() > self.config.max_datagrams || self.total_bytes > self.config.max_total_bytes
        {
            let Some(oldest) = self.order.pop_front() else { return };
            if self.is_pending(&oldest) {
                self.give_up(&oldest.key, Drop::Evicted);
            }
        }
    }

    /// Whether the datagram of this place still waits, and not another with the same key.
    fn is_pending(&self, place: &Place) -> bool {
        self.pending.get(&place.key).is_some_and(|pending| pending.number() == place.number)
    }

    fn give_up(&mut self, key: &FragmentKey, why: Drop) {
        let Some(pending) = self.remove(key) else { return };
        match why {
            Drop::TimedOut => self.stats.timed_out += pending.fragments(),
            Drop::Evicted => self.stats.evicted += pending.fragments(),
        }
    }
}

impl Fragment<'_> {
    /// Only the last one may end anywhere, none may be empty, and none may reach beyond the longest datagram.
    const fn is_well_formed(&self) -> bool {
        let end = self.offset.saturating_add(self.wire_len);
        let ends_well = !self.has_more || self.wire_len.is_multiple_of(8);
        self.wire_len > 0 && ends_well && end <= MAX_DATAGRAM_BYTES
    }
}

const MAX_DATAGRAM_BYTES: u32 = 65_535;

#[cfg(test)]
mod tests;
