//! Filter programs for the kernel, made from tcpdump expressions.
//!
//! A socket on all interfaces sees frames that begin with Ethernet and frames that begin with IP. So an expression is
//! compiled for both, and a few instructions before them ask the kernel which kind of interface a frame is from:
//!
//! ```text
//! load hardware type | Ethernet or loopback? | program for Ethernet | program for raw IP
//! ```
//!
//! In front of either stands, while connections are left out, the program of [`leaving_out`].

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
        .filter(|program| program.len() + LEAVING_OUT_INSTRUCTIONS <= MAX_INSTRUCTIONS)
        .ok_or_else(|| failed("it is too long for the kernel".to_owned()))?;
    Ok(program)
}

/// A program that lets the first `snap_len` bytes of every frame through.
pub(super) fn accept(snap_len: u32) -> Vec<sock_filter> {
    vec![instruction(RETURN, snap_len)]
}

/// A program that lets nothing through of so many of 256 TCP connections, and hands every other frame to `program`.
///
/// A connection is left out by what a packet of it tells: IPv4 that is no fragment, or IPv6 without extension headers. A frame that
/// ends before its ports is left out, too: where a load fails the kernel ends the program.
pub(super) fn leave_out(connections: u16, program: &[sock_filter]) -> Vec<sock_filter> {
    let in_front = if connections == 0 { &[][..] } else { &leaving_out(u32::from(connections))[..] };
    [in_front, program].concat()
}

/// Numbers a connection as [`df_core::connection_number`] does. Offsets count from the network header, wherever that begins in the
/// frame.
const fn leaving_out(connections: u32) -> [sock_filter; LEAVING_OUT_INSTRUCTIONS] {
    const IPV6: u8 = 11;
    const PASSED: u8 = 24;
    [
        instruction(LOAD_ABSOLUTE, PROTOCOL),
        branch(1, (JUMP_IF_EQUAL, ETHERTYPE_IPV4), 2, IPV6),
        instruction(LOAD_BYTE, NETWORK_HEADER + 9),
        branch(3, (JUMP_IF_EQUAL, TCP), 4, PASSED),
        instruction(LOAD_HALF, NETWORK_HEADER + 6),
        branch(5, (JUMP_IF_ANY_BIT, FRAGMENT_BITS), PASSED, 6),
        // Four times the length field are the bytes of the header.
        instruction(LOAD_BYTE, NETWORK_HEADER),
        instruction(AND, 0x0f),
        instruction(SHIFT_LEFT, 2),
        instruction(TO_INDEX, 0),
        instruction(JUMP, 4),
        branch(IPV6, (JUMP_IF_EQUAL, ETHERTYPE_IPV6), 12, PASSED),
        instruction(LOAD_BYTE, NETWORK_HEADER + 6),
        branch(13, (JUMP_IF_EQUAL, TCP), 14, PASSED),
        instruction(LOAD_INDEX, 40),
        // Both ports as one word: what is exclusive-or'ed is in its lower half.
        instruction(LOAD_INDEXED, NETWORK_HEADER),
        instruction(TO_INDEX, 0),
        instruction(SHIFT_RIGHT, 16),
        instruction(XOR_INDEX, 0),
        instruction(AND, 0xffff),
        instruction(MULTIPLY, GOLDEN_RATIO),
        instruction(SHIFT_RIGHT, 24),
        branch(22, (JUMP_IF_AT_LEAST, connections), PASSED, 23),
        instruction(RETURN, 0),
    ]
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

/// The instruction at place `at`, which goes on at one of two places behind it.
const fn branch(at: u8, (code, k): (u16, u32), yes: u8, no: u8) -> sock_filter {
    sock_filter { code, jt: yes - at - 1, jf: no - at - 1, k }
}

/// BPF_LD | BPF_W | BPF_ABS
const LOAD_ABSOLUTE: u16 = 0x20;
/// BPF_LD | BPF_H | BPF_ABS
const LOAD_HALF: u16 = 0x28;
/// BPF_LD | BPF_B | BPF_ABS
const LOAD_BYTE: u16 = 0x30;
/// BPF_LD | BPF_W | BPF_IND
const LOAD_INDEXED: u16 = 0x40;
/// BPF_LDX | BPF_W | BPF_IMM
const LOAD_INDEX: u16 = 0x01;
/// BPF_MISC | BPF_TAX
const TO_INDEX: u16 = 0x07;
/// BPF_ALU | BPF_MUL | BPF_K
const MULTIPLY: u16 = 0x24;
/// BPF_ALU | BPF_AND | BPF_K
const AND: u16 = 0x54;
/// BPF_ALU | BPF_LSH | BPF_K
const SHIFT_LEFT: u16 = 0x64;
/// BPF_ALU | BPF_RSH | BPF_K
const SHIFT_RIGHT: u16 = 0x74;
/// BPF_ALU | BPF_XOR | BPF_X
const XOR_INDEX: u16 = 0xac;
/// BPF_JMP | BPF_JA
const JUMP: u16 = 0x05;
/// BPF_JMP | BPF_JEQ | BPF_K
const JUMP_IF_EQUAL: u16 = 0x15;
/// BPF_JMP | BPF_JGE | BPF_K
const JUMP_IF_AT_LEAST: u16 = 0x35;
/// BPF_JMP | BPF_JSET | BPF_K
const JUMP_IF_ANY_BIT: u16 = 0x45;
/// BPF_RET | BPF_K
const RETURN: u16 = 0x06;
/// SKF_AD_OFF + SKF_AD_HATYPE (linux/filter.h): the ARPHRD number of the frame's interface.
const HARDWARE_TYPE: u32 = 0xffff_f000 + 28;
/// SKF_AD_OFF + SKF_AD_PROTOCOL: what the frame carries, an Ethernet type whatever the interface. A tag that the kernel keeps outside
/// of the frame is not in the way.
const PROTOCOL: u32 = 0xffff_f000;
/// SKF_NET_OFF: where the network header begins.
const NETWORK_HEADER: u32 = 0xfff0_0000;
const ETHERTYPE_IPV4: u32 = 0x0800;
const ETHERTYPE_IPV6: u32 = 0x86dd;
/// The protocol number of IP.
const TCP: u32 = 6;
/// More fragments follow, or others came before.
const FRAGMENT_BITS: u32 = 0x3fff;
/// The factor of [`df_core::connection_number`].
const GOLDEN_RATIO: u32 = 0x9e37_79b1;
const LEAVING_OUT_INSTRUCTIONS: usize = 24;
/// BPF_MAXINSNS
const MAX_INSTRUCTIONS: usize = 4096;

const DLT_ETHERNET: c_int = 1;
/// Raw IP, by libpcap's own number for it on Linux.
const DLT_RAW: c_int = 12;
