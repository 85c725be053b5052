//! libpcap's filter compiler, loaded when it is needed so that building and running without filters need no C library.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;

use libloading::Library;

use super::error::CaptureError;

/// The names under which distributions install libpcap: Debian, everybody else, development files.
const LIBRARY_NAMES: [&str; 3] = ["libpcap.so.0.8", "libpcap.so.1", "libpcap.so"];
const NETMASK_UNKNOWN: c_uint = u32::MAX;
const OPTIMIZE: c_int = 1;

/// The functions of libpcap that compile filters.
pub(super) struct Libpcap {
    functions: Functions,
    /// Keeps the functions mapped.
    _library: Library,
}

#[derive(Clone, Copy)]
struct Functions {
    open_dead: unsafe extern "C" fn(c_int, c_int) -> *mut c_void,
    close: unsafe extern "C" fn(*mut c_void),
    compile: unsafe extern "C" fn(*mut c_void, *mut Program, *const c_char, c_int, c_uint) -> c_int,
    free_code: unsafe extern "C" fn(*mut Program),
    last_error: unsafe extern "C" fn(*mut c_void) -> *const c_char,
}

/// `struct bpf_program` of libpcap. Its instructions have the layout of the kernel's `struct sock_filter`.
#[repr(C)]
struct Program {
    len: c_uint,
    instructions: *mut libc::sock_filter,
}

impl Libpcap {
    pub(super) fn load() -> Result<Self, CaptureError> {
        let library = open_library()?;
        let missing = |source| CaptureError::LibpcapMissing { source };
        // SAFETY: the signatures are those of pcap/pcap.h, unchanged since libpcap 0.8, and the library is kept
        // mapped for as long as the functions can be called.
        let functions = unsafe {
            Functions {
                open_dead: *library.get(c"pcap_open_dead").map_err(missing)?,
                close: *library.get(c"pcap_close").map_err(missing)?,
                compile: *library.get(c"pcap_compile").map_err(missing)?,
                free_code: *library.get(c"pcap_freecode").map_err(missing)?,
                last_error: *library.get(c"pcap_geterr").map_err(missing)?,
            }
        };
        Ok(Self { functions, _library: library })
    }

    /// Compiles an expression for frames of a link type, or says what libpcap finds wrong with it.
    pub(super) fn compile(
        &self,
        expression: &str,
        link_type: c_int,
        snap_len: c_int,
    ) -> Result<Vec<libc::sock_filter>, String> {
        let text = CString::new(expression).map_err(|_| "it contains a zero byte".to_owned())?;
        // SAFETY: the function takes two numbers; its answer is checked below.
        let handle = unsafe { (self.functions.open_dead)(link_type, snap_len) };
        if handle.is_null() {
            return Err("pcap_open_dead has no memory".to_owned());
        }
        let mut program = Program { len: 0, instructions: ptr::null_mut() };
        let (functions, text) = (self.functions, text.as_ptr());
        // SAFETY: the handle is open, the program is ours to write to, and the text ends with a zero byte.
        let answer =
            unsafe { (functions.compile)(handle, &raw mut program, text, OPTIMIZE, NETMASK_UNKNOWN) };
        let compiled = if answer == 0 {
            // SAFETY: after success the program describes `len` instructions, until it is freed.
            let instructions = unsafe { copy_of(&program) };
            // SAFETY: the program was filled by pcap_compile and is not used any more.
            unsafe { (functions.free_code)(&raw mut program) };
            Ok(instructions)
        } else {
            // SAFETY: the handle is open, and pcap_geterr answers with its own buffer, a string.
            let message = unsafe { CStr::from_ptr((functions.last_error)(handle)) };
            Err(message.to_string_lossy().into_owned())
        };
        // SAFETY: the handle is open and not used any more.
        unsafe { (functions.close)(handle) };
        compiled
    }
}

/// # Safety
///
/// `program` must have been filled by a successful `pcap_compile` and not been freed.
unsafe fn copy_of(program: &Program) -> Vec<libc::sock_filter> {
    let len = usize::try_from(program.len).unwrap_or(0);
    if program.instructions.is_null() || len == 0 {
        return Vec::new();
    }
    // SAFETY: by this function's contract the pointer is to `len` instructions.
    unsafe { std::slice::from_raw_parts(program.instructions, len) }.to_vec()
}

fn open_library() -> Result<Library, CaptureError> {
    let mut last = None;
    for name in LIBRARY_NAMES {
        // SAFETY: loading libpcap runs no initialisers but those of libpcap and its few dependencies.
        match unsafe { Library::new(name) } {
            Ok(library) => return Ok(library),
            Err(source) => last = last.or(Some(source)),
        }
    }
    match last {
        Some(source) => Err(CaptureError::LibpcapMissing { source }),
        None => Err(CaptureError::Config { field: "filter", what: "no name of libpcap is known" }),
    }
}
