//! Why reading a capture stops, before the file's name and offset are added.

use std::io;

use super::error::PcapFileError;

/// What stopped the reader.
pub(super) enum Damage {
    /// The file ends inside a record.
    Truncated,
    /// A record contradicts the format.
    Malformed(&'static str),
    /// The operating system or the decompressor failed.
    Read(io::Error),
}

impl Damage {
    /// Says where it happened.
    pub(super) fn at(self, file: &str, offset: u64) -> PcapFileError {
        let file = file.to_owned();
        match self {
            Self::Truncated => PcapFileError::Truncated { file, offset },
            Self::Malformed(what) => PcapFileError::Damaged { file, offset, what },
            Self::Read(source) => PcapFileError::Read { file, offset, source },
        }
    }
}

impl From<io::Error> for Damage {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}
