//! Any bytes as OpenMetrics. From `crates/exposition`, with others' test pages as seeds:
//! `cargo +nightly fuzz run openmetrics fuzz/corpus/openmetrics ../../../shared/corpora/data/openmetrics-suite/tests`
#![no_main]
mod invariants;

use exposition::{Encoding, Format};

libfuzzer_sys::fuzz_target!(|page: &[u8]| {
    invariants::check(page, Format::OpenMetrics, Encoding { is_openmetrics: true, has_quoted_names: true });
});
