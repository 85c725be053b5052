//! Records for people, scripts and tests: one JSON object per line.
//!
//! Every function appends one line, its line feed included, to a buffer that the caller reuses. Values are borrowed
//! and nothing is allocated per field. Keys stand in a fixed order and unknown values are left out, so equal values
//! give equal bytes.

mod exchange;
mod flow;
mod line;
mod metric;
mod span;
mod tunnel;
mod value;

use serde::Serialize;

pub use exchange::write_exchange;
pub use flow::write_flow;
pub use metric::write_metric;
pub use span::write_span;

/// Appends `record` as one line. Writing to a `Vec` cannot fail and the records hold nothing that JSON cannot say;
/// should it ever fail, the incomplete line is taken back rather than left in the output.
fn write_line(out: &mut Vec<u8>, record: &impl Serialize) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, record).is_err() {
        debug_assert!(false, "a record that JSON cannot express");
        out.truncate(start);
        return;
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests;
