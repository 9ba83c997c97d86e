//! Replacements for generic code of the standard library and of Leptos that makes the WebAssembly file large.
pub mod effect;
pub mod sort;
