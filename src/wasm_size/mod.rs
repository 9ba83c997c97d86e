//! Replacements for generic code of the standard library and of Leptos that makes the WebAssembly file large. The root
//! `clippy.toml` lists what they replace.
pub mod effect;
pub mod sort;
pub(crate) mod spawn;
pub mod table;
