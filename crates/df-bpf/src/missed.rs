//! Runs of programs that the kernel left out, as it tells for each descriptor of a program.

use std::fs;
use std::os::fd::RawFd;

/// How many runs of these programs were left out, because the kernel had taken another run from the same processor before its
/// end. Known since Linux 5.12.
pub(crate) fn missed_runs(programs: &[RawFd]) -> u64 {
    let text = |descriptor| fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).unwrap_or_default();
    programs.iter().map(|descriptor| missed(&text(descriptor))).fold(0, u64::saturating_add)
}

fn missed(description: &str) -> u64 {
    let number = description.lines().find_map(|line| line.strip_prefix("recursion_misses:"));
    number.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_words_are_read() {
        let description = "pos:\t0\nprog_type:\t5\nrun_cnt:\t0\nrecursion_misses:\t12\nverified_insns:\t92\n";
        assert_eq!((missed(description), missed("pos:\t0\n")), (12, 0));
    }
}
