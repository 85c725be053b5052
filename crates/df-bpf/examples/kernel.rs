//! Prints what this kernel and these privileges allow: `cargo run -p df-bpf --example kernel`.
#![allow(clippy::print_stdout, reason = "an example prints")]

fn main() {
    print!("{}", df_bpf::Kernel::probe());
}
