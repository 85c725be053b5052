//! Opens what a capture is read from: a file, standard input, any reader, gzip-compressed or not.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

/// A stream of capture bytes, with what a progress display needs.
pub(super) struct Input {
    /// The decompressed bytes.
    pub(super) reader: Box<dyn Read + Send>,
    /// Bytes taken from the file so far, before decompression.
    pub(super) bytes_read: Arc<AtomicU64>,
    /// The file's size, where it is a file.
    pub(super) total_bytes: Option<u64>,
}

impl Input {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Self::from_reader(Box::new(io::stdin()));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory, not a capture file"));
        }
        let total_bytes = metadata.is_file().then_some(metadata.len());
        Ok(Self { total_bytes, ..Self::from_reader(Box::new(file))? })
    }

    /// Looks at the first bytes and puts a decompressor before a gzip stream.
    pub(super) fn from_reader(reader: Box<dyn Read + Send>) -> io::Result<Self> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let mut reader = CountingReader { reader, count: Arc::clone(&bytes_read) };
        let head = read_head(&mut reader)?;
        let is_gzip = head == GZIP_MAGIC;
        let whole = Cursor::new(head).chain(reader);
        let reader: Box<dyn Read + Send> = if is_gzip {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(COMPRESSED_READ_BYTES, whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self { reader, bytes_read, total_bytes: None })
    }
}

struct CountingReader {
    reader: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for CountingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// The first bytes of a stream, fewer when it ends before.
fn read_head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(GZIP_MAGIC.len());
    reader.take(GZIP_MAGIC.len() as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// RFC 1952 §2.3.1: ID1 and ID2.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const COMPRESSED_READ_BYTES: usize = 256 << 10;
