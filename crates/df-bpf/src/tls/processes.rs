//! The files with TLS that running processes may use, found in `/proc`.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::maps::{Mapping, executable_mappings, is_openssl_library};

/// Names a file on this host, whatever its paths are. A file that is replaced has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size_bytes: u64,
    pub(super) modified_ns: i128,
}

/// A file that a process runs and that may have TLS in it.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) id: FileId,
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) pid: u32,
    /// Whether it is the program that the process runs, and no library.
    pub(super) is_program: bool,
}

/// More than a process has room for in `/proc/<pid>/maps` unless it maps tens of thousands of files.
const MAX_MAPS_BYTES: u64 = 4 << 20;
/// More libraries than this are not OpenSSL.
const MAX_CANDIDATES: usize = 8;

/// The processes that run now.
pub(crate) fn all_pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The program that a process runs and the OpenSSL libraries that it has mapped, each once. A process that is gone has
/// none.
pub(super) fn candidates(pid: u32) -> Vec<Candidate> {
    let mut found = Vec::new();
    let Some(maps) = read_maps(pid) else { return found };
    if let Some(program) = open_program(pid) {
        found.push(program);
    }
    let libraries = executable_mappings(&maps).filter(|mapping| is_openssl_library(mapping.path));
    for mapping in libraries {
        let Some(candidate) = open_mapping(pid, &mapping) else { continue };
        let is_new = found.iter().all(|known| known.id != candidate.id);
        if is_new && found.len() < MAX_CANDIDATES {
            found.push(candidate);
        }
    }
    found
}

fn read_maps(pid: u32) -> Option<String> {
    let mut maps = Vec::new();
    File::open(format!("/proc/{pid}/maps")).ok()?.take(MAX_MAPS_BYTES).read_to_end(&mut maps).ok()?;
    Some(String::from_utf8_lossy(&maps).into_owned())
}

fn open_program(pid: u32) -> Option<Candidate> {
    let link = format!("/proc/{pid}/exe");
    let path = fs::read_link(&link).ok()?;
    Some(Candidate { is_program: true, ..candidate(File::open(link).ok()?, path, pid)? })
}

/// By the mapping itself, which is the very file even when its path leads elsewhere by now; by the path as the process
/// sees it where the kernel does not allow that.
fn open_mapping(pid: u32, mapping: &Mapping<'_>) -> Option<Candidate> {
    let by_mapping = File::open(format!("/proc/{pid}/map_files/{}", mapping.range)).ok();
    let by_path =
        || (!mapping.is_deleted).then(|| File::open(format!("/proc/{pid}/root{}", mapping.path)).ok())?;
    candidate(by_mapping.or_else(by_path)?, PathBuf::from(mapping.path), pid)
}

fn candidate(file: File, path: PathBuf, pid: u32) -> Option<Candidate> {
    let metadata = file.metadata().ok().filter(fs::Metadata::is_file)?;
    let id = FileId {
        device: metadata.dev(),
        inode: metadata.ino(),
        size_bytes: metadata.size(),
        modified_ns: i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()),
    };
    Some(Candidate { id, file, path, pid, is_program: false })
}
