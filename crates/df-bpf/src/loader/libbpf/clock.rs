//! A clock that interrupts a processor.

use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};

use libbpf_rs::{Link, ProgramMut};
use perf_event::events::Software;
use perf_event::{Builder, Counter};
use rustix::io::Errno;

/// Opens the clock of a processor, which does not run yet. None: the processor is off.
pub(super) fn open(processor: u32, frequency_hertz: u32) -> io::Result<Option<Counter>> {
    let processor = usize::try_from(processor).map_err(io::Error::other)?;
    let opened = Builder::new(Software::CPU_CLOCK)
        .any_pid()
        .one_cpu(processor)
        .sample_frequency(frequency_hertz.into())
        .include_kernel()
        .include_hv()
        .build();
    match opened {
        Ok(clock) => Ok(Some(clock)),
        Err(error) if error.raw_os_error() == Some(Errno::NODEV.raw_os_error()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Starts a clock that runs a program each time.
pub(super) fn attach(program: &ProgramMut<'_>, clock: Counter) -> libbpf_rs::Result<Link> {
    let link = program.attach_perf_event(clock.as_raw_fd())?;
    // The link closes it.
    let _ = clock.into_raw_fd();
    Ok(link)
}
