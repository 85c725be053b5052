//! What can be wrong with a capture file.

use std::io;

/// Why a capture file cannot be read, or not further. Frames before the damage were delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PcapFileError {
    /// The file cannot be opened.
    #[error("{file}: cannot open: {source}")]
    Open {
        /// The file's name as given.
        file: String,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// Reading failed in the middle, or the compressed stream is damaged.
    #[error("{file}: cannot read on at offset {offset}: {source}")]
    Read {
        /// The file's name as given.
        file: String,
        /// Bytes of the (decompressed) capture before the failure.
        offset: u64,
        /// What the operating system or the decompressor says.
        #[source]
        source: io::Error,
    },
    /// The file is neither pcap nor pcapng.
    #[error("{file}: not a pcap or pcapng capture: it begins with {magic:02x?}")]
    NotACapture {
        /// The file's name as given.
        file: String,
        /// The first bytes, up to four.
        magic: Vec<u8>,
    },
    /// The file ends in the middle of a record.
    #[error("{file}: the capture ends in the middle of the record at offset {offset}")]
    Truncated {
        /// The file's name as given.
        file: String,
        /// Offset of the cut record in the (decompressed) capture.
        offset: u64,
    },
    /// A record contradicts the format.
    #[error("{file}: damaged record at offset {offset}: {what}")]
    Damaged {
        /// The file's name as given.
        file: String,
        /// Offset of the damaged record in the (decompressed) capture.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
}
