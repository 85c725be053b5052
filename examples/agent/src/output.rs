//! Where results go: the table or records, on standard output or in a file.

mod printer;
pub(crate) mod table;

use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Write};

pub(crate) use printer::{Printer, Records};
use table::Table;

use df_export::Resource;

use crate::Failure;
use crate::arguments::{OutputArguments, RecordKind};
use crate::config::Configuration;
use crate::delivery::{Delivery, Interfaces};
use crate::export::{Exports, Haste};

/// Opens everything that the options ask for.
pub(crate) fn open(
    arguments: &OutputArguments,
    configuration: &Configuration,
    interfaces: Interfaces,
    haste: &Haste,
) -> Result<Delivery, Failure> {
    let (resource, warnings) = Resource::from_environment(|name| std::env::var(name).ok());
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let exports = Exports::open(arguments, &configuration.export, &resource, haste)?;
    // A service that exports has nobody who looks at a table, and a log that would keep all of it.
    let is_service =
        matches!(haste, Haste::Live(_)) && exports.is_active() && !std::io::stdout().is_terminal();
    let printer = open_printer(arguments, is_service)?;
    Ok(Delivery::new(configuration, printer, exports, resource, interfaces))
}

fn open_printer(arguments: &OutputArguments, is_service: bool) -> Result<Printer, Failure> {
    let (destination, name): (Box<dyn Write + Send>, _) = match &arguments.output {
        None => (Box::new(std::io::stdout()), "standard output".to_owned()),
        Some(path) => {
            let file = File::create(path)
                .map_err(|error| Failure::running(format!("cannot create {}: {error}", path.display())))?;
            (Box::new(file), path.display().to_string())
        }
    };
    if arguments.json || !arguments.records.is_empty() {
        return Ok(Printer::records(destination, name, records(&arguments.records)));
    }
    if is_service && arguments.output.is_none() {
        return Ok(Printer::summary_alone(destination, name));
    }
    Ok(Printer::table(destination, name, new_table(arguments.output.is_none())))
}

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

fn records(kinds: &[RecordKind]) -> Records {
    let has = |kind| if kinds.is_empty() { kind != RecordKind::Metric } else { kinds.contains(&kind) };
    Records {
        exchanges: has(RecordKind::Exchange),
        flows: has(RecordKind::Flow),
        spans: has(RecordKind::Span),
        metrics: has(RecordKind::Metric),
    }
}

/// A table as wide as the terminal. Elsewhere it has one fixed width, so that equal input gives equal bytes.
fn new_table(is_standard_output: bool) -> Table {
    let stdout = std::io::stdout();
    if !is_standard_output || !stdout.is_terminal() {
        return Table::new(DEFAULT_WIDTH, false);
    }
    let size = rustix::termios::tcgetwinsize(&stdout).map(|size| usize::from(size.ws_col));
    let width = size.ok().filter(|width| *width > 0).unwrap_or(DEFAULT_WIDTH);
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Table::new(width, !is_plain)
}

const DEFAULT_WIDTH: usize = 160;
