//! Folded stacks, the format of Brendan Gregg's `stackcollapse-*.pl`.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::symbols::{Frame, Space, frames_of};
use super::{Profile, Sample, Symbols};

/// A line for each different stack, in order.
pub(super) fn folded(profile: &Profile, symbols: &Symbols) -> String {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for sample in &profile.samples {
        *counts.entry(stack(sample, symbols)).or_default() += sample.count;
    }
    counts.iter().fold(String::new(), |mut text, (stack, count)| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{stack} {count}");
        text
    })
}

fn stack(sample: &Sample, symbols: &Symbols) -> String {
    let mut frames: Vec<Frame> = frames_of(sample).collect();
    frames.reverse();
    let mut stack = plain(&sample.task.command.as_text());
    for frame in frames {
        stack.push(';');
        stack.push_str(&plain(symbols.name(frame).unwrap_or("[unknown]")));
        if frame.space == Space::Kernel {
            stack.push_str("_[k]");
        }
    }
    stack
}

/// A name without what has a meaning in this format.
fn plain(name: &str) -> String {
    name.chars().map(|letter| if letter == ';' || letter.is_control() { ':' } else { letter }).collect()
}
