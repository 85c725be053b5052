//! OpenSSL and its kin in a shared library or a program, by their symbols.

use object::ReadRef;

use super::binary::{Binary, Hook, HookFunction, HookSite, InspectError, Library};
use super::elf::Elf;

/// What is hooked, and whether its result is of interest.
const FUNCTIONS: [(HookFunction, bool); 7] = [
    (HookFunction::SslRead, true),
    (HookFunction::SslWrite, true),
    (HookFunction::SslReadEx, true),
    (HookFunction::SslWriteEx, true),
    (HookFunction::SslDoHandshake, true),
    (HookFunction::SslShutdown, true),
    (HookFunction::SslFree, false),
];

pub(super) fn inspect<'data, R: ReadRef<'data>>(elf: &Elf<'data, R>) -> Result<Binary, InspectError> {
    let names = FUNCTIONS.map(|(function, _)| function.symbol());
    let found = elf.functions(&names)?;
    let has = |wanted: HookFunction| {
        FUNCTIONS.iter().zip(&found).any(|((function, _), place)| *function == wanted && place.is_some())
    };
    if !has(HookFunction::SslRead) || !has(HookFunction::SslWrite) {
        return Err(InspectError::NoTls);
    }
    let mut hooks = Vec::new();
    for ((function, returns), place) in FUNCTIONS.iter().zip(&found) {
        let Some(offset) = place.and_then(|place| elf.instruction_offset(place.address)) else { continue };
        hooks.push(Hook::new(*function, HookSite::Entry, offset));
        if *returns {
            hooks.push(Hook::new(*function, HookSite::Return, offset));
        }
    }
    if hooks.is_empty() {
        return Err(InspectError::Malformed("addresses of functions"));
    }
    hooks.sort_by_key(|hook| hook.site);
    Ok(Binary { library: Library::OpenSsl, architecture: elf.architecture(), hooks })
}
