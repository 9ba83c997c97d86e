//! Reading and writing metrics pages, against texts made here and against the test suites of others.
#![expect(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod corpora;
mod incremental;
mod linting;
mod reading;
mod writing;
