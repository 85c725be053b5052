//! What is found in real libraries and programs, against what other tools say of them.
#![cfg(feature = "inspect")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it misses, aloud"
)]

mod programs;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use df_bpf::tls::{
    Architecture, Binary, GoVersion, Hook, HookFunction, HookSite, InspectError, InspectLimits, Library,
    inspect, inspect_file,
};

/// Both ways of reading give the same.
fn inspected(path: &Path) -> Result<Binary, InspectError> {
    let limits = InspectLimits::default();
    let of_bytes = inspect(&fs::read(path).expect("readable"), &limits);
    let of_file = inspect_file(&File::open(path).expect("readable"), &limits);
    assert_eq!(of_bytes, of_file, "{}", path.display());
    of_bytes
}

fn entry(binary: &Binary, function: HookFunction) -> Option<u64> {
    let hook = binary.hooks.iter().find(|hook| hook.function == function && hook.site == HookSite::Entry);
    hook.map(|hook| hook.file_offset)
}

/// What `nm` says of a symbol, for files whose addresses are offsets.
fn nm(path: &Path, arguments: &[&str], symbol: &str) -> Option<u64> {
    let output = Command::new("nm").args(arguments).arg(path).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text
        .lines()
        .find(|line| line.split(' ').nth(2).and_then(|name| name.split('@').next()) == Some(symbol));
    u64::from_str_radix(line?.split(' ').next()?, 16).ok()
}

fn system_library() -> Option<PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let names = ["libssl.so.3", "libssl.so.1.1"];
    let found = folders.iter().flat_map(|folder| names.map(|name| format!("{folder}/{name}")));
    let found = found.into_iter().find(|path| Path::new(path).exists());
    if found.is_none() {
        println!("skipped: no libssl on this system");
    }
    found.map(PathBuf::from)
}

#[test]
fn a_shared_openssl_has_all_functions_where_nm_says() {
    let Some(path) = system_library() else { return };
    let binary = inspected(&path).expect("an OpenSSL");
    assert_eq!(binary.library, Library::OpenSsl);
    for function in [
        HookFunction::SslRead,
        HookFunction::SslWrite,
        HookFunction::SslReadEx,
        HookFunction::SslWriteEx,
        HookFunction::SslDoHandshake,
        HookFunction::SslShutdown,
        HookFunction::SslFree,
    ] {
        assert_eq!(entry(&binary, function), nm(&path, &["-D"], function.symbol()), "{function:?}");
        let returns = binary.hooks.contains(&Hook::new(
            function,
            HookSite::Return,
            entry(&binary, function).expect("present"),
        ));
        assert_eq!(returns, function != HookFunction::SslFree);
    }
}

#[test]
fn a_static_openssl_is_found_by_its_symbols() {
    let source = "#include <openssl/ssl.h>\n#include <stdio.h>\nint main(void){SSL_CTX*c=SSL_CTX_new(TLS_method());\
                  SSL*s=SSL_new(c);char b[9];printf(\"%d\",SSL_read(s,b,9)+SSL_write(s,b,9));SSL_free(s);return 0;}";
    let Some(path) = programs::c_program(
        "static_openssl",
        source,
        &["-no-pie", "-Wl,-Bstatic", "-lssl", "-lcrypto", "-Wl,-Bdynamic", "-ldl", "-lpthread"],
    ) else {
        return;
    };
    let binary = inspected(&path).expect("an OpenSSL");
    // Loaded at a fixed address, so that addresses and offsets differ.
    let address = nm(&path, &[], "SSL_read").expect("nm knows it");
    assert_eq!(entry(&binary, HookFunction::SslRead), Some(address - 0x40_0000));
    assert!(entry(&binary, HookFunction::SslFree).is_some());
}

#[test]
fn a_go_program_is_hooked_at_its_returns_stripped_or_not() {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let Some(path) = programs::go_https("https", "", architecture) else { return };
    let whole = inspected(&path).expect("Go TLS");
    let Library::Go { version, goroutine_id_offset } = whole.library else { panic!("{:?}", whole.library) };
    assert!(version >= GoVersion::new(1, 17), "{version}");
    assert!(goroutine_id_offset == 152 || goroutine_id_offset == 160);
    assert!(entry(&whole, HookFunction::GoTlsClose).is_some());
    for function in [HookFunction::GoTlsRead, HookFunction::GoTlsWrite] {
        let first = entry(&whole, function).expect("present");
        let returns: Vec<u64> = whole
            .hooks
            .iter()
            .filter(|hook| hook.function == function && hook.site == HookSite::ReturnInstruction)
            .map(|hook| hook.file_offset)
            .collect();
        assert!(returns.len() > 1, "{returns:?}");
        assert!(returns.iter().all(|offset| *offset > first && *offset < first + 8192), "{returns:?}");
        assert_eq!(returns, objdump_returns(&path, function), "{function:?}");
    }
    let Some(path) = programs::go_https("https_stripped", "-s -w", architecture) else { return };
    let stripped = inspected(&path).expect("Go TLS");
    assert_eq!(stripped.library, whole.library);
    assert_eq!(stripped.hooks, whole.hooks, "stripping moves no code");
}

/// Return instructions of a function as Go's own disassembler lists them.
fn objdump_returns(path: &Path, function: HookFunction) -> Vec<u64> {
    let pattern = format!("^{}$", function.symbol().replace(['(', ')', '*', '.'], "."));
    let output =
        Command::new("go").args(["tool", "objdump", "-s", &pattern]).arg(path).output().expect("objdump");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let returns = text.lines().filter(|line| line.split_whitespace().nth(3) == Some("RET"));
    let address = |line: &str| {
        line.split_whitespace().nth(1).and_then(|word| word.strip_prefix("0x").map(str::to_owned))
    };
    returns
        .filter_map(|line| u64::from_str_radix(&address(line)?, 16).ok())
        .map(|address| address - 0x40_0000)
        .collect()
}

#[test]
fn what_has_no_tls_says_so() {
    let Ok(own) = std::env::current_exe() else { return };
    assert_eq!(inspected(&own), Err(InspectError::NoTls));
    let limits = InspectLimits::default();
    assert!(matches!(inspect(b"#!/bin/sh\n", &limits), Err(InspectError::Malformed(_))));
    assert!(matches!(inspect(&[], &limits), Err(InspectError::Malformed(_))));
    let Some(path) = programs::go_https("https_stripped", "-s -w", "amd64") else { return };
    let mut small = InspectLimits::default();
    small.max_table_bytes = 4096;
    let bytes = fs::read(path).expect("readable");
    assert!(matches!(inspect(&bytes, &small), Err(InspectError::TooLarge(_))));
}

#[test]
fn a_damaged_file_is_an_error_and_no_more() {
    let Some(path) = system_library() else { return };
    let whole = fs::read(path).expect("readable");
    let limits = InspectLimits::default();
    for cut in [4, 63, 64, 100, whole.len() / 2, whole.len() - 1] {
        assert!(inspect(&whole[..cut], &limits).is_err(), "cut to {cut}");
    }
    // Every byte of the header, and some of the tables at the end, broken one after the other.
    let tables = whole.len() - 2048..whole.len();
    for position in (0..64).chain(tables.step_by(7)) {
        let mut broken = whole.clone();
        broken[position] ^= 0xff;
        if let Ok(binary) = inspect(&broken, &limits) {
            assert_eq!(binary.library, Library::OpenSsl);
            assert!(
                binary.architecture == Architecture::X86_64 || binary.architecture == Architecture::Aarch64
            );
        }
    }
}
