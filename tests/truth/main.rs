//! Every figure of the page beside the truth: worlds whose events are known, shown in a browser over each backend.
//!
//! `make truth` tries the whole matrix; every test run has a small part of it.

mod backend;
mod cases;
mod compare;
mod figure;
mod live;
mod matrix;
mod reading;
mod table;
mod world;

use inferboard_tests::{FixtureError, Result};
use matrix::Selection;
use std::{env, fs};

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_is_true() -> Result<()> {
    let cells = matrix::run(&Selection::from_environment()).await?;
    let table = table::table(&cells);
    if let Some(path) = env::var_os("TRUTH_REPORT") {
        fs::write(&path, &table)
            .map_err(|source| FixtureError::Io { what: format!("cannot write {}", path.display()), source })?;
    }
    println!("{table}");
    assert!(cells.len() > 50, "only {} figures were compared", cells.len());
    let untrue = table::counts(&cells).untrue();
    assert_eq!(untrue, 0, "of {} figures {untrue} are not true; the table above lists them", cells.len());
    Ok(())
}
