//! The layout of what samples are counted by: `struct sample` of `bpf/profile.h`, read field by field.

use df_core::{CausalId, Command, Task};

/// The size of a key.
pub(crate) const SAMPLE_BYTES: usize = 40;

/// What samples are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SampleKey {
    pub(crate) task: Task,
    pub(crate) causal_id: Option<CausalId>,
    /// Where the stack stands in its map; None: it is not there.
    pub(crate) kernel_stack: Option<u32>,
    pub(crate) user_stack: Option<u32>,
}

impl SampleKey {
    pub(crate) fn parse(bytes: &[u8; SAMPLE_BYTES]) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let causal_id = u64::from_le_bytes(field(&mut rest)?);
        let (pid, tid) = (u32::from_le_bytes(field(&mut rest)?), u32::from_le_bytes(field(&mut rest)?));
        let [kernel_stack, user_stack] =
            [i32::from_le_bytes(field(&mut rest)?), i32::from_le_bytes(field(&mut rest)?)];
        Some(Self {
            task: Task::new(pid, tid, Command::new(field(&mut rest)?)),
            causal_id: CausalId::new(causal_id),
            kernel_stack: u32::try_from(kernel_stack).ok(),
            user_stack: u32::try_from(user_stack).ok(),
        })
    }
}

fn field<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*field)
}
