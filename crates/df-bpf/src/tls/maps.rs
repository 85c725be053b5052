//! Which files a process has mapped to run: reading `/proc/<pid>/maps`.

/// An executable mapping of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mapping<'a> {
    /// The addresses, as `/proc/<pid>/map_files` names them.
    pub(super) range: &'a str,
    /// The device as the kernel prints it, which can differ from what `stat` says of the file.
    pub(super) device: &'a str,
    /// The file's inode number.
    pub(super) inode: u64,
    /// The path as the process sees it.
    pub(super) path: &'a str,
    /// Whether the file is gone from its folder.
    pub(super) is_deleted: bool,
}

/// The executable mappings of files in the text of `/proc/<pid>/maps`, in order. Other lines are left out.
///
/// ```text
/// 7f5d6b63f000-7f5d6b69f000 r-xp 0001f000 08:01 1234 /usr/lib/libssl.so.3
/// ```
pub(super) fn executable_mappings(maps: &str) -> impl Iterator<Item = Mapping<'_>> {
    maps.lines().filter_map(mapping)
}

/// Whether a file of this name is OpenSSL's library, or a copy that a package brings along under a name of its own
/// (`libssl-3e69114b.so.1.1`). `libssl3.so` is none: that is NSS.
pub(super) fn is_openssl_library(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some(rest) = name.strip_prefix("libssl") else { return false };
    rest.starts_with(".so") || (rest.starts_with('-') && rest.contains(".so"))
}

fn mapping(line: &str) -> Option<Mapping<'_>> {
    let (range, rest) = line.split_once(' ')?;
    let (permissions, rest) = rest.split_once(' ')?;
    let (_, rest) = rest.split_once(' ')?;
    let (device, rest) = rest.split_once(' ')?;
    let (inode, rest) = rest.split_once(' ')?;
    let path = rest.trim_start();
    let is_file = path.starts_with('/') && inode != "0";
    if !permissions.contains('x') || !is_file {
        return None;
    }
    let whole = path.strip_suffix(" (deleted)");
    let is_deleted = whole.is_some();
    Some(Mapping { range, device, inode: inode.parse().ok()?, path: whole.unwrap_or(path), is_deleted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_are_run_are_listed() {
        let maps = "\
55d0c0a00000-55d0c0a28000 r--p 00000000 08:01 100 /usr/bin/curl
55d0c0a28000-55d0c0a50000 r-xp 00028000 08:01 100 /usr/bin/curl
7f0000000000-7f0000021000 rw-p 00000000 00:00 0 
7f1000000000-7f1000060000 r-xp 0001f000 fe:01 7 /opt/a folder/libssl.so.3 (deleted)
7f2000000000-7f2000001000 r-xp 00000000 00:00 0 [vdso]
7f3000000000-7f3000001000 r-xs 00000000 00:05 9 anon_inode:[x]
garbage
";
        let found: Vec<Mapping<'_>> = executable_mappings(maps).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].path, found[0].inode, found[0].is_deleted), ("/usr/bin/curl", 100, false));
        assert_eq!(found[1].path, "/opt/a folder/libssl.so.3");
        assert_eq!((found[1].device, found[1].range), ("fe:01", "7f1000000000-7f1000060000"));
        assert!(found[1].is_deleted);
    }

    #[test]
    fn nss_is_not_openssl() {
        for name in ["/a/libssl.so.3", "libssl.so", "/x/libssl.so.1.0.2k", "/v/libssl-3e69114b.so.1.1"] {
            assert!(is_openssl_library(name), "{name}");
        }
        for name in
            ["/a/libssl3.so", "/a/libsslx.so", "/a/mylibssl.so", "/libssl.so/other", "/a/libssl-notes"]
        {
            assert!(!is_openssl_library(name), "{name}");
        }
    }
}
