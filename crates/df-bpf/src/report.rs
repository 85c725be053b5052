//! What was attached, what was not, and why.

use std::fmt;

use crate::{AttachError, HookKind, ProgramSet};

/// What was attached, what was not, and why. Printed, it is a line for what system calls are hooked by and one for each
/// hook that is not attached.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ProbeReport {
    /// Which programs are loaded.
    pub program_set: ProgramSet,
    /// Each hook that is used, or that nothing could take the place of.
    pub hooks: Vec<HookReport>,
    /// Each system call, and what it is hooked by.
    pub calls: Vec<CallReport>,
    /// Kinds of hooks that would have been preferred, and why they are not used.
    pub refusals: Vec<Refusal>,
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

/// What a system call is hooked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallReport {
    /// The call, such as `read`.
    pub call: &'static str,
    /// None: by nothing.
    pub kind: Option<HookKind>,
}

/// Why a kind of hook is not used.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// The kind.
    pub kind: HookKind,
    /// The call that lacks it; None: none can be hooked by it.
    pub call: Option<&'static str>,
    /// Why.
    pub error: AttachError,
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

    /// The kinds of hooks by which system calls are hooked, in the order of [`HookKind::ALL`].
    pub fn kinds(&self) -> impl Iterator<Item = HookKind> {
        HookKind::ALL.into_iter().filter(|kind| self.calls.iter().any(|call| call.kind == Some(*kind)))
    }

    /// The kinds by which a system call could not be hooked, and why.
    pub fn refusals_of(&self, call: &str) -> impl Iterator<Item = &Refusal> {
        self.refusals.iter().filter(move |refusal| refusal.call.is_none_or(|refused| refused == call))
    }

    /// Why a call, or all of them, could be hooked by no kind; what holds for several kinds is said once.
    pub(crate) fn reasons(&self, call: Option<&str>) -> String {
        let mut reasons: Vec<(Vec<String>, String)> = Vec::new();
        for refusal in self.refusals.iter().filter(|refusal| refusal.call.is_none() || refusal.call == call) {
            let (kind, message) = (refusal.kind.to_string(), refusal.error.to_string());
            match reasons.iter_mut().find(|(_, known)| *known == message) {
                Some((kinds, _)) => kinds.push(kind),
                None => reasons.push((vec![kind], message)),
            }
        }
        if let [(_, only)] = reasons.as_slice() {
            return only.clone();
        }
        let reasons = reasons.iter().map(|(kinds, message)| format!("{}: {message}", kinds.join(", ")));
        reasons.collect::<Vec<_>>().join("; ")
    }
}

impl fmt::Display for ProbeReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {} hooks attached", self.attached(), self.hooks.len())?;
        if self.program_set == ProgramSet::Reduced {
            formatter.write_str(" by the reduced programs: no TLS, no goroutines, no profiles")?;
        }
        let kinds: Vec<HookKind> = self.kinds().collect();
        for kind in &kinds {
            write!(formatter, "\nhooked by {kind}: ")?;
            let calls = self.calls.iter().filter(|call| call.kind == Some(*kind)).map(|call| call.call);
            let calls: Vec<&str> = calls.collect();
            formatter.write_str(&if kinds.len() == 1 {
                "system calls".to_owned()
            } else {
                calls.join(", ")
            })?;
        }
        for refusal in &self.refusals {
            let call = refusal.call.map_or_else(String::new, |call| format!(" for {call}"));
            write!(formatter, "\nnot used: {}{call}: {}", refusal.kind, refusal.error)?;
        }
        for (hook, error) in self.missing() {
            write!(formatter, "\nnot attached: {hook}: {error}")?;
        }
        Ok(())
    }
}
