//! Hooks TLS functions by the programs of this crate.

use std::path::Path;

use super::binary::{Architecture, Binary, Hook, HookFunction, HookSite, Library};
use super::watch::AttachHook;
use crate::loader::{LinkId, Loader, UprobePoint};

/// The programs behind a loader, as what hooks are put in by.
pub(crate) struct LoaderHooks<'a>(pub(crate) &'a mut dyn Loader);

impl AttachHook for LoaderHooks<'_> {
    type Link = LinkId;

    fn attach(&mut self, binary: &Binary, hook: Hook, path: &Path) -> Result<LinkId, String> {
        if binary.architecture != OWN_ARCHITECTURE {
            return Err("compiled for another processor".to_owned());
        }
        let program = program(binary.library, hook);
        let point = UprobePoint { path, file_offset: hook.file_offset, cookie: None };
        self.0.attach_uprobe(&program, point).map_err(|error| error.to_string())
    }

    fn note_process(&mut self, pid: u32, library: Library) {
        if let Library::Go { goroutine_id_offset, .. } = library {
            // Without it nothing is linked to what its goroutines do.
            let _ = self.0.insert("go_processes", pid, goroutine_id_offset);
        }
    }

    fn detach(&mut self, link: LinkId) {
        // What the kernel does not let go now, it lets go with the loader.
        let _ = self.0.detach_uprobe(link);
    }
}

/// The program for a hook: `bpf/tls.h` and `bpf/go.h` name them after functions. For Go there is one for each place
/// where a goroutine may keep its number.
fn program(library: Library, hook: Hook) -> String {
    let function = match hook.function {
        HookFunction::SslRead => "ssl_read",
        HookFunction::SslWrite => "ssl_write",
        HookFunction::SslReadEx => "ssl_read_ex",
        HookFunction::SslWriteEx => "ssl_write_ex",
        HookFunction::SslDoHandshake => "ssl_do_handshake",
        HookFunction::SslShutdown => "ssl_shutdown",
        HookFunction::SslFree => "ssl_free",
        HookFunction::GoTlsRead => "go_tls_read",
        HookFunction::GoTlsWrite => "go_tls_write",
        HookFunction::GoTlsClose => "go_tls_close",
        HookFunction::GoHttpRoundTrip => "go_http_round_trip",
        HookFunction::GoHttpWrite => "go_http_write",
        HookFunction::GoHttp2RoundTrip => "go_http2_round_trip",
        HookFunction::GoHttp2Write => "go_http2_write",
    };
    let end = if hook.site == HookSite::Entry { "on" } else { "after" };
    match library {
        Library::Go { goroutine_id_offset, .. } if hook.function != HookFunction::GoTlsClose => {
            format!("{end}_{function}_{goroutine_id_offset}")
        }
        Library::Go { .. } | Library::OpenSsl => format!("{end}_{function}"),
    }
}

#[cfg(target_arch = "x86_64")]
const OWN_ARCHITECTURE: Architecture = Architecture::X86_64;
#[cfg(target_arch = "aarch64")]
const OWN_ARCHITECTURE: Architecture = Architecture::Aarch64;
