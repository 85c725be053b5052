//! What every origin of frames has in common.

use crate::Frame;

/// Gives frames one after the other, each borrowed from the source's own buffer.
///
/// ```
/// use df_capture::{Frame, FrameSource};
///
/// fn count_bytes<S: FrameSource>(source: &mut S) -> Result<u64, S::Error> {
///     let mut bytes = 0;
///     while let Some(frame) = source.next_frame()? {
///         bytes += u64::from(frame.original_len);
///     }
///     Ok(bytes)
/// }
/// ```
pub trait FrameSource {
    /// What can go wrong outside of the frames themselves.
    type Error;

    /// The next frame. `None` is the end: of the file, or because a live capture was told to stop. After an error
    /// or the end, every further call answers `None`.
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Self::Error>;
}
