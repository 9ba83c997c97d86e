//! What `prometheus_fastapi_instrumentator` reports about the HTTP requests of a server.
use super::Process;
use crate::counts::Measure;
use crate::page::{Kind, PageSink};
use crate::traffic::Ending;

const HANDLER: &str = "/v1/chat/completions";

/// The families of the server. The HTTP status of an answer that breaks off is 200.
pub(super) fn write(process: &Process<'_>, page: &mut impl PageSink) {
    let counts = process.counts;
    let by_class = [
        ("2xx", counts.ended_as(&[Ending::Stop, Ending::Length, Ending::Abort])),
        ("4xx", counts.ended_as(&[Ending::Invalid])),
        ("5xx", counts.ended_as(&[Ending::Error])),
    ];
    let help = "Total number of requests by method, status and handler.";
    page.family("http_requests_total", Kind::Counter, help);
    for (status, count) in by_class {
        page.sample("", &[("handler", HANDLER), ("method", "POST"), ("status", status)], count);
    }
    let all = by_class.iter().map(|(_, count)| count).sum();
    // Four bytes for each token, and some for the rest of the request.
    let bytes = |length: Measure| counts.histogram(length).sum() * 4.0 + all * 220.0;
    for (name, help, bytes) in [
        (
            "http_request_size_bytes",
            "Content length of incoming requests by handler. Only value of header is respected. Otherwise ignored. No \
             percentile calculated. ",
            bytes(Measure::PromptLength),
        ),
        (
            "http_response_size_bytes",
            "Content length of outgoing responses by handler. Only value of header is respected. Otherwise ignored. \
             No percentile calculated. ",
            bytes(Measure::AnswerLength),
        ),
    ] {
        page.family(name, Kind::Summary, help);
        page.sample("_count", &[("handler", HANDLER)], all);
        page.sample("_sum", &[("handler", HANDLER)], bytes);
    }
}
