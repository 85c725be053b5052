//! Drives the real binary, as a person or a script does.

mod capture;
mod live;
mod options;
mod program;
mod replay;
