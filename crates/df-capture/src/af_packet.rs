//! Frames from network interfaces: a packet socket with a memory-mapped ring (Linux).
#![allow(unsafe_code, reason = "the kernel shares the ring's memory, and its calls are C functions")]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use df_core::{InterfaceId, Timestamp, VlanTags};

use crate::{Frame, FrameDirection, FrameSource, LinkType};

mod config;
mod error;
mod filter;
mod interface;
mod libpcap;
mod ring;
mod socket;
mod stats;
#[cfg(test)]
mod tests;

use config::ALL_OF_A_FRAME;
pub use config::AfPacketConfig;
pub use error::CaptureError;
use interface::InterfaceNames;
use ring::{PacketPlace, Ring, RingPacket};
use socket::{PacketSocket, Readiness};
pub use stats::AfPacketStats;

/// A live capture on one network interface or on all.
///
/// Every frame is given once: what a loopback interface shows at sending and again at receiving is counted and left
/// out once. Needs CAP_NET_RAW.
pub struct AfPacket {
    // Before the socket, so that it is unmapped first.
    ring: Ring,
    socket: PacketSocket,
    /// What the configuration lets through.
    filter: Vec<libc::sock_filter>,
    interface: InterfaceId,
    interface_name: String,
    names: InterfaceNames,
    stats: AfPacketStats,
    stop: StopHandle,
    block_timeout: Duration,
    /// What the interface had missed before.
    missed_before: u64,
}

/// Ends a capture from another thread or a signal handler.
#[derive(Debug, Clone, Default)]
pub struct StopHandle {
    /// When it was told to stop, in nanoseconds since the Unix epoch; 0 before that.
    stopped_at_ns: Arc<AtomicU64>,
}

impl StopHandle {
    /// Ends the capture: what was captured up to now is still given, then the source answers `None`.
    pub fn stop(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now_ns = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX).max(1);
        // Only the first call counts.
        let _ = self.stopped_at_ns.compare_exchange(0, now_ns, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn stopped_at(&self) -> Option<Timestamp> {
        match self.stopped_at_ns.load(Ordering::Relaxed) {
            0 => None,
            nanoseconds => Some(Timestamp::from_nanos(nanoseconds)),
        }
    }
}

impl AfPacket {
    /// Starts a capture. The filter is in place before the first frame can arrive.
    pub fn open(config: &AfPacketConfig) -> Result<Self, CaptureError> {
        let request = config.ring_request()?;
        let interface = match &config.interface {
            Some(name) => interface::index_of(name)?,
            None => ALL_INTERFACES,
        };
        let filter = match &config.filter {
            Some(expression) => filter::compile(expression, config.snap_len)?,
            None => filter::accept(config.snap_len),
        };
        let socket = PacketSocket::open()?;
        let ring_bytes = config.block_bytes.saturating_mul(config.block_count);
        socket.use_ring(&request).map_err(|error| without_memory(error, ring_bytes))?;
        let ring = Ring::map(&socket, config.block_bytes, config.block_count)?;
        if config.filter.is_some() || config.snap_len < ALL_OF_A_FRAME {
            socket.attach_filter(&filter)?;
        }
        if config.promiscuous && interface != ALL_INTERFACES {
            socket.be_promiscuous(interface)?;
        }
        socket.bind(interface)?;
        if let Some(group) = config.fanout_group {
            socket.join_fanout(group)?;
        }
        Ok(Self {
            ring,
            socket,
            filter,
            interface,
            interface_name: config.interface.clone().unwrap_or_default(),
            names: InterfaceNames::default(),
            stats: AfPacketStats::default(),
            stop: StopHandle::default(),
            block_timeout: config.block_timeout,
            missed_before: interface::missed_frames(interface),
        })
    }

    /// Leaves out so many of 256 TCP connections from now on, 0 (none) to 256 (all): for whoever cannot take all that is captured.
    /// Those with a lower [`connection_number`](df_core::connection_number) than that are left out, in front of the filter of the
    /// configuration, and cost no copy. What is left out is not counted; what waits in the ring is still given.
    ///
    /// The kernel knows a packet of a connection only by the frame's own first network header: IPv4 that is no fragment, or IPv6
    /// without extension headers, behind no more VLAN tags than the kernel takes out. Everything else comes through as before, so
    /// that whoever wants none of a connection has to look at its packets, too. A frame that ends before its ports does not come
    /// through while any connection is left out.
    ///
    /// # Errors
    ///
    /// [`CaptureError::System`] when the kernel does not take the program, for want of memory for options of the socket. Then the
    /// one before stays.
    pub fn leave_out(&self, connections: u16) -> Result<(), CaptureError> {
        self.socket.attach_filter(&filter::leave_out(connections, &self.filter))
    }

    /// The next frame, if one comes before the timeout.
    pub fn next_frame_timeout(&mut self, timeout: Duration) -> Result<Option<Frame<'_>>, CaptureError> {
        match self.next_place(timeout)? {
            Some(place) => Ok(Some(self.frame_at(place))),
            None => Ok(None),
        }
    }

    /// A handle that ends [`FrameSource::next_frame`] from elsewhere.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// The counters up to now.
    pub fn stats(&mut self) -> Result<AfPacketStats, CaptureError> {
        let news = self.socket.take_statistics()?;
        let stats = &mut self.stats;
        stats.received = stats.received.saturating_add(u64::from(news.tp_packets));
        stats.dropped_by_kernel = stats.dropped_by_kernel.saturating_add(u64::from(news.tp_drops));
        stats.ring_full = stats.ring_full.saturating_add(u64::from(news.tp_freeze_q_cnt));
        let missed = interface::missed_frames(self.interface);
        stats.missed_by_interface = missed.saturating_sub(self.missed_before);
        Ok(self.stats)
    }

    /// The name of an interface; none when it is gone and was never asked for before.
    pub fn interface_name(&mut self, interface: InterfaceId) -> Option<&str> {
        self.names.name(interface)
    }

    /// Moves to the next frame that counts.
    fn next_place(&mut self, timeout: Duration) -> Result<Option<PacketPlace>, CaptureError> {
        // While frames wait nobody looks at the clock.
        if let Some(place) = self.place_at_hand() {
            return Ok(Some(place));
        }
        let started = Instant::now();
        loop {
            if let Some(place) = self.place_at_hand() {
                return Ok(Some(place));
            }
            let left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            // One more millisecond, since poll's are whole ones.
            match self.socket.wait(left.saturating_add(Duration::from_millis(1)))? {
                Readiness::Ready | Readiness::TimedOut => {}
                Readiness::InterfaceDown => self.check_interface()?,
            }
        }
    }

    /// Moves to the next frame that counts and that the kernel has handed over.
    fn place_at_hand(&mut self) -> Option<PacketPlace> {
        while let Some(place) = self.ring.advance() {
            if !is_loopback_duplicate(place.address()) {
                return Some(place);
            }
            self.stats.loopback_duplicates = self.stats.loopback_duplicates.saturating_add(1);
        }
        None
    }

    fn frame_at(&mut self, place: PacketPlace) -> Frame<'_> {
        self.stats.frames = self.stats.frames.saturating_add(1);
        frame_of(&self.ring.packet(place))
    }

    /// An interface that is down may come up again; one that is removed does not come back.
    fn check_interface(&self) -> Result<(), CaptureError> {
        if self.interface == ALL_INTERFACES || interface::name_of(self.interface).is_some() {
            return Ok(());
        }
        Err(CaptureError::InterfaceRemoved { name: self.interface_name.clone() })
    }
}

impl FrameSource for AfPacket {
    type Error = CaptureError;

    /// Waits for the next frame, for as long as it takes. `None` only after [`StopHandle::stop`].
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        let place = loop {
            let stopped_at = self.stop.stopped_at();
            // After the stop, one block that is being filled may still hold earlier frames.
            let patience = if stopped_at.is_some() {
                self.block_timeout.saturating_add(RETIRE_DELAY)
            } else {
                STOP_CHECK_INTERVAL
            };
            let place = self.next_place(patience)?;
            match (stopped_at, place) {
                (None, None) => {}
                (None, Some(place)) => break place,
                (Some(stopped_at), Some(place)) if place.timestamp() <= stopped_at => break place,
                (Some(_), _) => return Ok(None),
            }
        };
        Ok(Some(self.frame_at(place)))
    }
}

impl fmt::Debug for AfPacket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AfPacket")
            .field("interface", &self.interface)
            .field("interface_name", &self.interface_name)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// A loopback interface shows every frame twice, going out and coming in.
fn is_loopback_duplicate(address: &libc::sockaddr_ll) -> bool {
    address.sll_hatype == libc::ARPHRD_LOOPBACK && address.sll_pkttype == libc::PACKET_OUTGOING
}

fn frame_of<'a>(packet: &RingPacket<'a>) -> Frame<'a> {
    let (header, address) = (&packet.header, &packet.address);
    let direction = if address.sll_pkttype == libc::PACKET_OUTGOING {
        FrameDirection::Outbound
    } else {
        FrameDirection::Inbound
    };
    Frame::new(packet.timestamp(), link_type(address.sll_hatype), packet.bytes)
        .with_interface(InterfaceId(u32::try_from(address.sll_ifindex).unwrap_or_default()))
        .with_original_len(header.tp_len)
        .with_stripped_vlan(stripped_vlan(header))
        .with_direction(Some(direction))
}

fn stripped_vlan(header: &libc::tpacket3_hdr) -> VlanTags {
    let mut tags = VlanTags::default();
    let identifier = u16::try_from(header.hv1.tp_vlan_tci & VLAN_IDENTIFIER_MASK).unwrap_or_default();
    if header.tp_status & libc::TP_STATUS_VLAN_VALID != 0 && identifier != 0 {
        tags.push(identifier);
    }
    tags
}

/// What frames of an interface of this kind (an ARPHRD number) begin with.
fn link_type(hardware_type: u16) -> LinkType {
    match hardware_type {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => LinkType::ETHERNET,
        libc::ARPHRD_NONE
        | RAW_IP_HARDWARE
        | libc::ARPHRD_PPP
        | libc::ARPHRD_TUNNEL
        | libc::ARPHRD_TUNNEL6
        | libc::ARPHRD_SIT
        | libc::ARPHRD_IPGRE
        | IP6GRE_HARDWARE => LinkType::RAW,
        _ => UNKNOWN_LINK_TYPE,
    }
}

fn without_memory(error: CaptureError, ring_bytes: usize) -> CaptureError {
    match error {
        CaptureError::System { call, source } if source.raw_os_error() == Some(libc::ENOMEM) => {
            CaptureError::NoMemory { call, ring_bytes }
        }
        other => other,
    }
}

const ALL_INTERFACES: InterfaceId = InterfaceId(0);
/// LINKTYPE numbers end before this.
const UNKNOWN_LINK_TYPE: LinkType = LinkType(u16::MAX);
/// ARPHRD_RAWIP and ARPHRD_IP6GRE (linux/if_arp.h), which libc does not define.
const RAW_IP_HARDWARE: u16 = 519;
const IP6GRE_HARDWARE: u16 = 823;
const VLAN_IDENTIFIER_MASK: u32 = 0x0fff;
/// How late the kernel's timer may hand a block over on a busy machine.
const RETIRE_DELAY: Duration = Duration::from_millis(100);
/// How soon a stop is noticed on a quiet interface.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(100);
