//! What a live capture can be told.

use std::time::Duration;

use super::error::CaptureError;

/// How to capture from network interfaces.
///
/// ```
/// use df_capture::AfPacketConfig;
///
/// let config = AfPacketConfig::default().with_interface("eth0").with_filter("tcp port 80");
/// assert_eq!(config.block_count, 64);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AfPacketConfig {
    /// The interface; none (the default) means all of them, those that come up later included.
    pub interface: Option<String>,
    /// A tcpdump expression; only frames that match leave the kernel. None (the default) means all frames.
    ///
    /// It sees frames as the kernel does, without their outer VLAN tag: `tcp port 80` matches tagged frames too, and
    /// `vlan` matches only frames with a second tag.
    pub filter: Option<String>,
    /// Bytes of each block of the ring, a power of two of at least 64 KiB. Default 1 MiB. A frame longer than a block
    /// is cut.
    pub block_bytes: usize,
    /// Blocks of the ring. Default 64. The ring takes `block_bytes * block_count` bytes of kernel memory, at once.
    pub block_count: usize,
    /// How long the kernel may wait before it hands over a block that is not full, 1 ms to 1 s. Default 10 ms.
    pub block_timeout: Duration,
    /// Most bytes captured of a frame. Default 262144, which is all of any frame.
    pub snap_len: u32,
    /// Whether frames for other hosts are captured too. Default false. Only for a named interface.
    pub promiscuous: bool,
    /// Shares the frames among all captures of this group, each connection to one of them. Default none. Frames that
    /// arrive while a capture joins can be seen by it and by another member.
    pub fanout_group: Option<u16>,
}

impl Default for AfPacketConfig {
    fn default() -> Self {
        Self {
            interface: None,
            filter: None,
            block_bytes: 1 << 20,
            block_count: 64,
            block_timeout: Duration::from_millis(10),
            snap_len: ALL_OF_A_FRAME,
            promiscuous: false,
            fanout_group: None,
        }
    }
}

impl AfPacketConfig {
    /// Captures on one interface.
    pub fn with_interface(mut self, name: impl Into<String>) -> Self {
        self.interface = Some(name.into());
        self
    }

    /// Captures only what matches a tcpdump expression.
    pub fn with_filter(mut self, expression: impl Into<String>) -> Self {
        self.filter = Some(expression.into());
        self
    }

    /// Sets the size of the ring.
    pub const fn with_block_count(mut self, block_count: usize) -> Self {
        self.block_count = block_count;
        self
    }

    /// Shares the frames among all captures of a group.
    pub const fn with_fanout_group(mut self, group: u16) -> Self {
        self.fanout_group = Some(group);
        self
    }

    /// The ring to ask the kernel for.
    pub(super) fn ring_request(&self) -> Result<libc::tpacket_req3, CaptureError> {
        let impossible = |field, what| CaptureError::Config { field, what };
        let block_bytes = u32::try_from(self.block_bytes)
            .ok()
            .filter(|bytes| bytes.is_power_of_two() && *bytes >= MIN_BLOCK_BYTES)
            .ok_or_else(|| impossible("block_bytes", "must be a power of two from 64 KiB to 2 GiB"))?;
        let block_count = u32::try_from(self.block_count)
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(|| impossible("block_count", "must be at least 1"))?;
        let timeout_ms = u32::try_from(self.block_timeout.as_millis())
            .ok()
            .filter(|milliseconds| (1..=1000).contains(milliseconds))
            .ok_or_else(|| impossible("block_timeout", "must be from 1 ms to 1 s"))?;
        let frame_count = (block_bytes / FRAME_BYTES)
            .checked_mul(block_count)
            .ok_or_else(|| impossible("block_count", "the ring would be too large"))?;
        Ok(libc::tpacket_req3 {
            tp_block_size: block_bytes,
            tp_block_nr: block_count,
            tp_frame_size: FRAME_BYTES,
            tp_frame_nr: frame_count,
            tp_retire_blk_tov: timeout_ms,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        })
    }
}

/// The snap length that means no limit, as in tcpdump.
pub(super) const ALL_OF_A_FRAME: u32 = 262_144;
const MIN_BLOCK_BYTES: u32 = 64 << 10;
/// The kernel checks this number but packs frames of any length with TPACKET_V3.
const FRAME_BYTES: u32 = 2048;
