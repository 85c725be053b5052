//! Names and numbers of network interfaces.

use std::collections::HashMap;
use std::ffi::{CStr, CString};

use df_core::InterfaceId;

use super::error::CaptureError;

/// How many names are remembered. Interfaces come and go on hosts with many containers.
const MAX_NAMES: usize = 4096;

/// The number of the interface of that name; an error that lists the existing ones if there is none.
pub(super) fn index_of(name: &str) -> Result<InterfaceId, CaptureError> {
    let unknown = || CaptureError::UnknownInterface { name: name.to_owned(), existing: existing_names() };
    let c_name = CString::new(name).map_err(|_| unknown())?;
    // SAFETY: the pointer is to a string that ends with a zero byte and outlives the call.
    match unsafe { libc::if_nametoindex(c_name.as_ptr()) } {
        0 => Err(unknown()),
        index => Ok(InterfaceId(index)),
    }
}

/// The name of an interface now.
pub(super) fn name_of(interface: InterfaceId) -> Option<String> {
    let mut name = [0; libc::IF_NAMESIZE];
    // SAFETY: the array has the IF_NAMESIZE bytes that the function may write.
    let written = unsafe { libc::if_indextoname(interface.0, name.as_mut_ptr()) };
    if written.is_null() {
        return None;
    }
    // SAFETY: on success the function has written a string that ends with a zero byte into the array.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    Some(name.to_string_lossy().into_owned())
}

/// How many frames an interface, or all for interface 0, has lost for want of room, as the kernel tells it; 0 where it
/// does not.
pub(super) fn missed_frames(interface: InterfaceId) -> u64 {
    let names = if interface.0 == 0 { existing_names() } else { name_of(interface).into_iter().collect() };
    let counters = names.iter().flat_map(|name| {
        MISSED_COUNTERS.map(|counter| format!("/sys/class/net/{name}/statistics/{counter}"))
    });
    let read = |path: String| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    counters.filter_map(read).fold(0, u64::saturating_add)
}

/// Names of interfaces, each asked for once.
#[derive(Debug, Default)]
pub(super) struct InterfaceNames {
    known: HashMap<InterfaceId, String>,
}

impl InterfaceNames {
    pub(super) fn name(&mut self, interface: InterfaceId) -> Option<&str> {
        if !self.known.contains_key(&interface) {
            let name = name_of(interface)?;
            if self.known.len() >= MAX_NAMES {
                self.known.clear();
            }
            self.known.insert(interface, name);
        }
        self.known.get(&interface).map(String::as_str)
    }
}

const MISSED_COUNTERS: [&str; 2] = ["rx_missed_errors", "rx_fifo_errors"];

fn existing_names() -> Vec<String> {
    // SAFETY: the function takes nothing; its answer is checked and freed below.
    let list = unsafe { libc::if_nameindex() };
    if list.is_null() {
        return Vec::new();
    }
    let mut names = Vec::new();
    let mut entry = list;
    loop {
        // SAFETY: the list ends with an entry of index 0 and no name, and `entry` never passes it.
        let current = unsafe { &*entry };
        if current.if_index == 0 || current.if_name.is_null() {
            break;
        }
        // SAFETY: every entry before the last has a name that ends with a zero byte.
        names.push(unsafe { CStr::from_ptr(current.if_name) }.to_string_lossy().into_owned());
        // SAFETY: the entry just read was not the last, so there is one behind it.
        entry = unsafe { entry.add(1) };
    }
    // SAFETY: the list came from if_nameindex and is not used any more.
    unsafe { libc::if_freenameindex(list) };
    names
}
