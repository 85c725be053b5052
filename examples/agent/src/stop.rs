//! Stopping: SIGINT and SIGTERM as a flag. A second SIGINT ends the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Says whether somebody wants the program to stop.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens for the signals.
    pub(crate) fn on_signals() -> std::io::Result<Self> {
        let requested = Arc::new(AtomicBool::new(false));
        flag::register_conditional_shutdown(SIGINT, EXIT_INTERRUPTED, Arc::clone(&requested))?;
        flag::register(SIGINT, Arc::clone(&requested))?;
        flag::register(SIGTERM, Arc::clone(&requested))?;
        Ok(Self(requested))
    }

    /// Asks everybody to stop.
    pub(crate) fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether to stop.
    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What shells report for a program that SIGINT ended.
const EXIT_INTERRUPTED: i32 = 130;
