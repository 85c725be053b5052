//! Log lines on standard error; `RUST_LOG` chooses what is told.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. Without `RUST_LOG`: warnings of everything, and what the agent itself has to say.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,df_agent=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(false)
        .init();
}
