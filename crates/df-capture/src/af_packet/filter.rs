//! Filter programs for the kernel, made from tcpdump expressions.
//!
//! A socket on all interfaces sees frames that begin with Ethernet and frames that begin with IP. So an expression is
//! compiled for both, and a few instructions before them ask the kernel which kind of interface a frame is from:
//!
//! ```text
//! load hardware type | Ethernet or loopback? | program for Ethernet | program for raw IP
//! ```

use std::ffi::c_int;

use libc::sock_filter;

use super::error::CaptureError;
use super::libpcap::Libpcap;

/// A program that lets the first `snap_len` bytes of every frame through that matches the expression.
pub(super) fn compile(expression: &str, snap_len: u32) -> Result<Vec<sock_filter>, CaptureError> {
    let failed = |message| CaptureError::Filter { expression: expression.to_owned(), message };
    let c_snap_len = c_int::try_from(snap_len).unwrap_or(c_int::MAX);
    let libpcap = Libpcap::load()?;
    let ethernet = libpcap.compile(expression, DLT_ETHERNET, c_snap_len).map_err(failed)?;
    // What cannot be asked of raw IP, such as an Ethernet address, matches none of it.
    let raw = libpcap.compile(expression, DLT_RAW, c_snap_len).unwrap_or_else(|_| accept(0));
    let program = by_hardware_type(&ethernet, &raw)
        .filter(|program| program.len() <= MAX_INSTRUCTIONS)
        .ok_or_else(|| failed("it is too long for the kernel".to_owned()))?;
    Ok(program)
}

/// A program that lets the first `snap_len` bytes of every frame through.
pub(super) fn accept(snap_len: u32) -> Vec<sock_filter> {
    vec![instruction(RETURN, snap_len)]
}

fn by_hardware_type(ethernet: &[sock_filter], raw: &[sock_filter]) -> Option<Vec<sock_filter>> {
    let mut program = vec![
        instruction(LOAD_ABSOLUTE, HARDWARE_TYPE),
        sock_filter { code: JUMP_IF_EQUAL, jt: 2, jf: 0, k: u32::from(libc::ARPHRD_ETHER) },
        sock_filter { code: JUMP_IF_EQUAL, jt: 1, jf: 0, k: u32::from(libc::ARPHRD_LOOPBACK) },
        instruction(JUMP, u32::try_from(ethernet.len()).ok()?),
    ];
    program.extend_from_slice(ethernet);
    program.extend_from_slice(raw);
    Some(program)
}

const fn instruction(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

/// BPF_LD | BPF_W | BPF_ABS
const LOAD_ABSOLUTE: u16 = 0x20;
/// BPF_JMP | BPF_JA
const JUMP: u16 = 0x05;
/// BPF_JMP | BPF_JEQ | BPF_K
const JUMP_IF_EQUAL: u16 = 0x15;
/// BPF_RET | BPF_K
const RETURN: u16 = 0x06;
/// SKF_AD_OFF + SKF_AD_HATYPE (linux/filter.h): the ARPHRD number of the frame's interface.
const HARDWARE_TYPE: u32 = 0xffff_f000 + 28;
/// BPF_MAXINSNS
const MAX_INSTRUCTIONS: usize = 4096;

const DLT_ETHERNET: c_int = 1;
/// Raw IP, by libpcap's own number for it on Linux.
const DLT_RAW: c_int = 12;
