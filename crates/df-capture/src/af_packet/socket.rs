//! The packet socket: its options, its counters and waiting for it (packet(7)).

use std::ffi::{c_int, c_uint, c_void};
use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use df_core::InterfaceId;

use super::error::CaptureError;

/// A packet socket that is not bound until [`PacketSocket::bind`], so that nothing reaches it before its filter does.
#[derive(Debug)]
pub(super) struct PacketSocket {
    descriptor: OwnedFd,
}

/// How waiting for frames ended.
pub(super) enum Readiness {
    Ready,
    TimedOut,
    /// The interface went down or away.
    InterfaceDown,
}

impl PacketSocket {
    pub(super) fn open() -> Result<Self, CaptureError> {
        // SAFETY: the call takes three numbers. Protocol 0 receives nothing.
        let descriptor = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if descriptor < 0 {
            return Err(CaptureError::last("socket(AF_PACKET)"));
        }
        // SAFETY: the descriptor was just opened and nobody else has it.
        Ok(Self { descriptor: unsafe { OwnedFd::from_raw_fd(descriptor) } })
    }

    pub(super) fn descriptor(&self) -> c_int {
        self.descriptor.as_raw_fd()
    }

    /// Filters by this program from now on, instead of by the one before.
    pub(super) fn attach_filter(&self, program: &[libc::sock_filter]) -> Result<(), CaptureError> {
        let len = u16::try_from(program.len())
            .map_err(|_| CaptureError::Config { field: "filter", what: "the program is too long" })?;
        // The kernel only reads the program.
        let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
        self.set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program, "setsockopt(SO_ATTACH_FILTER)")
    }

    pub(super) fn use_ring(&self, request: &libc::tpacket_req3) -> Result<(), CaptureError> {
        let version = libc::tpacket_versions::TPACKET_V3 as c_int;
        self.set(libc::SOL_PACKET, libc::PACKET_VERSION, &version, "setsockopt(PACKET_VERSION)")?;
        self.set(libc::SOL_PACKET, libc::PACKET_RX_RING, request, "setsockopt(PACKET_RX_RING)")
    }

    pub(super) fn be_promiscuous(&self, interface: InterfaceId) -> Result<(), CaptureError> {
        let request = libc::packet_mreq {
            mr_ifindex: interface_number(interface),
            mr_type: PROMISCUOUS,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        self.set(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request, "setsockopt(PACKET_ADD_MEMBERSHIP)")
    }

    pub(super) fn join_fanout(&self, group: u16) -> Result<(), CaptureError> {
        let argument: c_uint = u32::from(group) | (libc::PACKET_FANOUT_HASH << 16);
        self.set(libc::SOL_PACKET, libc::PACKET_FANOUT, &argument, "setsockopt(PACKET_FANOUT)")
    }

    /// Starts receiving from one interface, or from all for interface 0.
    pub(super) fn bind(&self, interface: InterfaceId) -> Result<(), CaptureError> {
        // SAFETY: the structure is made of numbers, for which zero is a value.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = FAMILY;
        address.sll_protocol = ALL_PROTOCOLS.to_be();
        address.sll_ifindex = interface_number(interface);
        // SAFETY: the pointer is to an address of the length given.
        let answer = unsafe {
            libc::bind(self.descriptor(), (&raw const address).cast(), length_of::<libc::sockaddr_ll>())
        };
        if answer == 0 { Ok(()) } else { Err(CaptureError::last("bind(AF_PACKET)")) }
    }

    /// Waits until the kernel hands a block over.
    pub(super) fn wait(&self, timeout: Duration) -> Result<Readiness, CaptureError> {
        let mut request = libc::pollfd { fd: self.descriptor(), events: libc::POLLIN, revents: 0 };
        let milliseconds = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the pointer is to one request, as the count says.
        match unsafe { libc::poll(&raw mut request, 1, milliseconds) } {
            0 => Ok(Readiness::TimedOut),
            answer if answer < 0 => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(Readiness::TimedOut),
                error => Err(CaptureError::of("poll", error)),
            },
            _ if request.revents & libc::POLLERR != 0 => self.pending_error(),
            _ => Ok(Readiness::Ready),
        }
    }

    /// What the kernel counted since the last call: reading sets the counters back to zero.
    pub(super) fn take_statistics(&self) -> Result<libc::tpacket_stats_v3, CaptureError> {
        self.get(libc::SOL_PACKET, libc::PACKET_STATISTICS, "getsockopt(PACKET_STATISTICS)")
    }

    /// Reads, and so clears, the error that poll announced.
    fn pending_error(&self) -> Result<Readiness, CaptureError> {
        match self.get::<c_int>(libc::SOL_SOCKET, libc::SO_ERROR, "getsockopt(SO_ERROR)")? {
            0 => Ok(Readiness::Ready),
            libc::ENETDOWN => Ok(Readiness::InterfaceDown),
            error => Err(CaptureError::of("poll", io::Error::from_raw_os_error(error))),
        }
    }

    fn set<T>(&self, level: c_int, option: c_int, value: &T, call: &'static str) -> Result<(), CaptureError> {
        let pointer = ptr_of(value);
        // SAFETY: the pointer is to a value of the length given, of the type that the option takes.
        let answer = unsafe { libc::setsockopt(self.descriptor(), level, option, pointer, length_of::<T>()) };
        if answer == 0 { Ok(()) } else { Err(CaptureError::last(call)) }
    }

    /// Only for options that are made of numbers.
    fn get<T: Copy>(&self, level: c_int, option: c_int, call: &'static str) -> Result<T, CaptureError> {
        let mut value = MaybeUninit::<T>::zeroed();
        let mut length = length_of::<T>();
        // SAFETY: the pointer is to room of the length given, of the type that the option gives.
        let answer = unsafe {
            libc::getsockopt(self.descriptor(), level, option, value.as_mut_ptr().cast(), &raw mut length)
        };
        if answer != 0 {
            return Err(CaptureError::last(call));
        }
        // SAFETY: the value began as zeros and the kernel wrote numbers into it, so every byte is initialised.
        Ok(unsafe { value.assume_init() })
    }
}

/// AF_PACKET, ETH_P_ALL and PACKET_MR_PROMISC in the width of the structures' fields.
const FAMILY: u16 = 17;
const ALL_PROTOCOLS: u16 = 0x0003;
const PROMISCUOUS: u16 = 1;

fn ptr_of<T>(value: &T) -> *const c_void {
    (&raw const *value).cast()
}

fn interface_number(interface: InterfaceId) -> c_int {
    c_int::try_from(interface.0).unwrap_or(c_int::MAX)
}

#[allow(clippy::cast_possible_truncation, reason = "every type given to the kernel is a few bytes long")]
const fn length_of<T>() -> libc::socklen_t {
    size_of::<T>() as libc::socklen_t
}
