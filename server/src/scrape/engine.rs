//! Which server a page comes from, told by the names of its metrics.

/// How an engine's metrics begin, and the engine; where a page has several, the first one here counts, as routers and
/// frameworks come with the metrics of the engine inside.
const PREFIXES: [(&str, &str); 18] = [
    ("vllm:", "vllm"),
    ("ray_vllm_", "vllm"),
    ("vllm_", "vllm"),
    ("sglang:", "sglang"),
    ("sglang_", "sglang"),
    ("tgi_", "tgi"),
    ("te_", "tei"),
    ("trtllm_", "trtllm"),
    ("nv_inference_", "triton"),
    ("llamacpp:", "llamacpp"),
    ("lmdeploy:", "lmdeploy"),
    ("num_request_max", "nim"),
    ("dynamo_frontend_", "dynamo"),
    ("dynamo_component_", "dynamo"),
    ("litellm_", "litellm"),
    ("baseten_", "baseten"),
    ("ray_serve_", "ray"),
    ("DCGM_FI_", "dcgm"),
];

/// The engine's rank and name, where `name` is one of its metrics; a lower rank counts more.
pub fn engine_of(name: &str) -> Option<(usize, &'static str)> {
    let rank = PREFIXES.iter().position(|(prefix, _)| name.starts_with(prefix))?;
    Some((rank, PREFIXES[rank].1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_told_by_their_metrics() {
        for (name, engine) in [
            ("vllm:num_requests_running", Some("vllm")),
            ("ray_vllm_num_requests_running", Some("vllm")),
            ("sglang:token_usage", Some("sglang")),
            ("te_queue_size", Some("tei")),
            ("nv_inference_count", Some("triton")),
            ("process_start_time_seconds", None),
            ("vllmish", None),
        ] {
            assert_eq!(engine_of(name).map(|(_, engine)| engine), engine, "{name}");
        }
    }
}
