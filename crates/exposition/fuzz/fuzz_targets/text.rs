//! Fuzzes Prometheus text; run by `make nightly`.
#![no_main]
mod invariants;

use exposition::{Encoding, Format};

libfuzzer_sys::fuzz_target!(|page: &[u8]| {
    for format in [Format::Text, Format::StrictText] {
        invariants::check(page, format, Encoding { is_openmetrics: false, has_quoted_names: true });
    }
});
