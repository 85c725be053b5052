//! The rules of docs/style.md that neither rustfmt nor clippy checks.

use std::error::Error;
use std::fmt;
use std::path::Path;

mod dependencies;
mod layout;
mod limits;
mod repository;
mod rust_source;
mod words;

use repository::{File, Repository};

/// Each rule looks at the whole repository and says what is wrong.
const RULES: &[fn(&Repository) -> Vec<Violation>] = &[
    layout::first_line_says_the_purpose,
    layout::files_are_short,
    layout::names_say_something,
    layout::unsafe_stays_in_its_place,
    layout::protocols_have_their_three_files,
    layout::recorded_cases_are_explained,
    words::no_banned_word,
    words::no_path_of_one_machine,
    limits::limits_are_documented,
    dependencies::edges_are_those_of_the_design,
    dependencies::df_l7_stays_small,
];

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    advice: String,
}

impl Violation {
    fn new(path: &str, line: usize, advice: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, advice: advice.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.advice)
    }
}

/// Checks the repository whose root is given. An error means that it could not be read.
pub(crate) fn check(root: &Path) -> Result<Vec<Violation>, Box<dyn Error>> {
    let repository = Repository::read(root)?;
    Ok(RULES.iter().flat_map(|rule| rule(&repository)).collect())
}

/// Checks only that df-l7 needs few packages and no async runtime.
pub(crate) fn check_df_l7(root: &Path) -> Result<Vec<Violation>, Box<dyn Error>> {
    Ok(dependencies::df_l7_stays_small(&Repository::read(root)?))
}
