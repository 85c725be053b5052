//! Where results go: the table or records on standard output or in a file.

pub(crate) mod table;

use std::io::{ErrorKind, Write};

use crate::Failure;

/// Writes a text to standard output. A reader that left early is no failure.
pub(crate) fn print_text(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::running(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
