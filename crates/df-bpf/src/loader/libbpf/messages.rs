//! What libbpf says when something fails: kept for the report, not printed.

use std::cell::RefCell;
use std::io;
use std::sync::{Mutex, PoisonError};

use libbpf_rs::{ErrorKind, PrintLevel, set_print};

use crate::error::AttachError;
use crate::loader::{hook_error, refusal};

/// Why a call of libbpf failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the kernel answered.
    pub(super) cause: io::Error,
    /// What the verifier says of the program; empty when it was not asked.
    verifier_log: String,
}

/// Calls libbpf, which prints what it has to say, and keeps that.
///
/// Where it prints to is one setting for the whole process: what other threads have it say meanwhile is lost.
pub(super) fn quietly<T>(call: impl FnOnce() -> libbpf_rs::Result<T>) -> Result<T, Failure> {
    let _one_at_a_time = PRINTING.lock().unwrap_or_else(PoisonError::into_inner);
    MESSAGES.take();
    let before = set_print(Some((PrintLevel::Warn, keep)));
    let result = call();
    set_print(before);
    let messages = MESSAGES.take();
    result
        .map_err(|error| Failure { verifier_log: verifier_log(&messages).to_owned(), ..Failure::of(&error) })
}

impl Failure {
    /// The failure of a call that says nothing beside its error.
    pub(super) fn of(error: &libbpf_rs::Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::PermissionDenied => io::ErrorKind::PermissionDenied,
            _ => io::ErrorKind::Other,
        };
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        let message = causes.last().map(ToString::to_string).unwrap_or_default();
        Self { cause: io::Error::new(kind, message), verifier_log: String::new() }
    }

    /// Why a program is not loaded.
    pub(super) fn of_program(&self, program: &str) -> AttachError {
        refusal(program, &self.cause, &self.verifier_log)
    }

    /// Why a program that is loaded is not attached.
    pub(super) fn of_hook(&self, hook: &str) -> AttachError {
        hook_error(hook, &self.cause)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "libbpf-rs calls it so")]
fn keep(_level: PrintLevel, message: String) {
    MESSAGES.with_borrow_mut(|messages| messages.push_str(&message));
}

fn verifier_log(messages: &str) -> &str {
    let log = messages.split_once(LOG_BEGINS).and_then(|(_, rest)| rest.split_once('\n'));
    let end = |log: &str| log.find(LOG_ENDS).and_then(|end| log.get(..end)?.rfind('\n'));
    log.map_or("", |(_, log)| log.get(..end(log).unwrap_or(log.len())).unwrap_or_default())
}

const LOG_BEGINS: &str = "-- BEGIN PROG LOAD LOG --";
const LOG_ENDS: &str = "-- END PROG LOAD LOG --";

static PRINTING: Mutex<()> = Mutex::new(());

thread_local! {
    static MESSAGES: RefCell<String> = const { RefCell::new(String::new()) };
}
