//! Any bytes as Prometheus text. From `crates/exposition`, with real pages as seeds:
//! `cargo +nightly fuzz run text fuzz/corpus/text ../../../shared/captures ../../../shared/corpora/data/go-fuzz-corpus`
#![no_main]
mod invariants;

use exposition::{Encoding, Format};

libfuzzer_sys::fuzz_target!(|page: &[u8]| {
    for format in [Format::Text, Format::StrictText] {
        invariants::check(page, format, Encoding { is_openmetrics: false, has_quoted_names: true });
    }
});
