//! Fuzzes the configuration file; run by `make nightly`.
#![no_main]
mod loaded;

libfuzzer_sys::fuzz_target!(|text: &str| loaded::check(text));
