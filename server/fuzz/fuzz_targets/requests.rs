//! Fuzzes the URLs and forms of the API; run by `make nightly`.
#![no_main]
mod companion;

libfuzzer_sys::fuzz_target!(|input: &[u8]| companion::check(input));
