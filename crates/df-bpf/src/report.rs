//! What was attached, what was not, and why.

use std::fmt;

use crate::{AttachError, ProgramSet};

/// What was attached, what was not, and why. Printed, it is a line for each hook that is not.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ProbeReport {
    /// Which programs are loaded.
    pub program_set: ProgramSet,
    /// Each hook, in the order in which it was tried.
    pub hooks: Vec<HookReport>,
}

/// What came of one hook.
#[derive(Debug)]
#[non_exhaustive]
pub struct HookReport {
    /// The hook, such as `syscalls:sys_enter_read`.
    pub hook: String,
    /// Nothing when it is attached, else why it is not.
    pub result: Result<(), AttachError>,
}

impl ProbeReport {
    pub(crate) fn push(&mut self, hook: impl Into<String>, result: Result<(), AttachError>) {
        self.hooks.push(HookReport { hook: hook.into(), result });
    }

    /// How many hooks are attached.
    pub fn attached(&self) -> usize {
        self.hooks.iter().filter(|hook| hook.result.is_ok()).count()
    }

    /// The hooks that are not attached, and why.
    pub fn missing(&self) -> impl Iterator<Item = (&str, &AttachError)> {
        self.hooks.iter().filter_map(|hook| Some((hook.hook.as_str(), hook.result.as_ref().err()?)))
    }
}

impl fmt::Display for ProbeReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {} hooks attached", self.attached(), self.hooks.len())?;
        if self.program_set == ProgramSet::Reduced {
            formatter.write_str(" by the reduced programs: no TLS, no goroutines, no profiles")?;
        }
        for (hook, error) in self.missing() {
            write!(formatter, "\nnot attached: {hook}: {error}")?;
        }
        Ok(())
    }
}
