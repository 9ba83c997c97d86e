//! The dialects: under which names, labels and buckets each engine reports what it counts.
//!
//! Names, types, labels and buckets are those of captured metrics pages; `tests/dialects.rs` compares them.
pub(crate) mod cluster;
pub(crate) mod dcgm;
mod http;
pub(crate) mod hugging_face;
mod python;
mod sglang;
mod tgi;
mod vllm;

use crate::batch::{Batch, Role};
use crate::counts::{Bounds, Counts, MEASURES};
use crate::page::{PageSink, PageSource};
use std::sync::Arc;

/// An inference engine in one of its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EngineKind {
    /// vLLM 0.9, whose metrics had other names.
    Vllm09,
    /// vLLM 0.32.
    Vllm032,
    /// SGLang 0.5.10.
    Sglang,
    /// text-generation-inference.
    Tgi,
}

/// The process of a replica as its metrics page shows it.
pub(crate) struct Process<'a> {
    pub(crate) engine: EngineKind,
    /// The name under which it serves its model.
    pub(crate) model: &'a str,
    pub(crate) role: Role,
    pub(crate) batch: &'a Batch,
    pub(crate) counts: &'a Counts,
    /// When it started, Unix seconds.
    pub(crate) started_s: f64,
    /// CPU time of the process, in seconds, and its memory.
    pub(crate) cpu_s: f64,
    pub(crate) memory_bytes: f64,
    /// How long it took to start, and the part of it for the weights, in seconds.
    pub(crate) startup_s: f64,
    pub(crate) weights_s: f64,
}

impl EngineKind {
    /// The bounds of its histograms.
    pub(crate) fn bounds(self, max_model_len: f64) -> Bounds {
        match self {
            Self::Vllm09 | Self::Vllm032 => vllm::bounds(self, max_model_len),
            Self::Sglang => sglang::bounds(),
            Self::Tgi => tgi::bounds(max_model_len),
        }
    }
}

impl PageSource for Process<'_> {
    fn write(&self, page: &mut impl PageSink) {
        match self.engine {
            EngineKind::Vllm09 => vllm::write_0_9(self, page),
            EngineKind::Vllm032 => vllm::write_0_32(self, page),
            EngineKind::Sglang => sglang::write(self, page),
            EngineKind::Tgi => tgi::write(self, page),
        }
    }
}

/// No histograms.
fn no_bounds() -> Bounds {
    let none: Arc<[f64]> = Arc::from([]);
    [(); MEASURES].map(|()| Arc::clone(&none))
}
