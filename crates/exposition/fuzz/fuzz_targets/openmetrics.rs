//! Fuzzes OpenMetrics; run by `make nightly`.
#![no_main]
mod invariants;

use exposition::{Encoding, Format};

libfuzzer_sys::fuzz_target!(|page: &[u8]| {
    invariants::check(page, Format::OpenMetrics, Encoding { is_openmetrics: true, has_quoted_names: true });
});
