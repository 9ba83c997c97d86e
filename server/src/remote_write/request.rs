//! One request to a receiver, and what its answer means.
//! Sources: Prometheus Remote-Write 1.0 and 2.0, "Protocol", "Retries & Backoff" and "Required Written Response Headers".
use crate::remote_write::settings::{MessageVersion, RemoteWriteSettings};
use crate::scrape::fetch::Client;
use crate::scrape::post::PostAnswer;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

const VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");
const SAMPLES_WRITTEN: HeaderName = HeaderName::from_static("x-prometheus-remote-write-samples-written");

/// What became of a request.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// It was accepted. The receiver may say how many of its samples it has written.
    Accepted { written: Option<u64> },
    /// It was refused for good.
    Refused { reason: String, written: u64 },
    /// It has to be sent again, perhaps after a pause that the receiver asks for.
    Retry { reason: String, after: Option<Duration> },
}

/// Posts `body` to the receiver of `settings`.
pub(super) async fn send(client: &Client, settings: &RemoteWriteSettings, body: Bytes) -> Outcome {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(settings.message.content_type()));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
    headers.insert(VERSION, HeaderValue::from_static(settings.message.version()));
    let post = client.post(&settings.endpoint, headers, body);
    match tokio::time::timeout(settings.timeout, post).await {
        Ok(Ok(answer)) => outcome(settings.message, &answer),
        Ok(Err(failure)) => Outcome::Retry { reason: failure.to_string(), after: None },
        Err(_) => {
            let reason =
                format!("it did not answer within {:?}; raise remote_timeout if it needs longer", settings.timeout);
            Outcome::Retry { reason, after: None }
        }
    }
}

fn outcome(message: MessageVersion, answer: &PostAnswer) -> Outcome {
    let written = answer.headers.get(SAMPLES_WRITTEN).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let code = answer.status.as_u16();
    let says = match answer.words.as_str() {
        "" => String::new(),
        words => format!(": {words}"),
    };
    match code {
        200..=299 => Outcome::Accepted { written },
        429 => Outcome::Retry {
            reason: format!("it answers status 429, too many requests{says}"),
            after: answer.retry_after,
        },
        500..=599 => Outcome::Retry { reason: format!("it answers status {code}{says}"), after: answer.retry_after },
        _ => {
            let advice = advice(code, message);
            Outcome::Refused { reason: format!("status {code}{advice}{says}"), written: written.unwrap_or(0) }
        }
    }
}

/// What to do about a status, if that is known.
fn advice(code: u16, message: MessageVersion) -> String {
    match code {
        415 => {
            let (this, other) = (message.name(), message.other().name());
            format!(": it does not understand {this}; set protobuf_message = \"{other}\"")
        }
        401 | 403 => ": check authorization, basic_auth and http_headers".into(),
        404 | 405 => ": check the path in url".into(),
        300..=399 => ", a redirect, which is not followed: set url to where it leads".into(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    fn answer(status: u16, words: &str, written: Option<&str>) -> PostAnswer {
        let mut headers = HeaderMap::new();
        if let Some(written) = written {
            headers.insert(SAMPLES_WRITTEN, HeaderValue::from_str(written).expect("a value"));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        PostAnswer { status, retry_after: Some(Duration::from_secs(3)), headers, words: words.into() }
    }

    #[test]
    fn only_overload_and_failures_of_the_receiver_are_tried_again() {
        let outcome = |status, words, written| outcome(MessageVersion::V2, &answer(status, words, written));
        assert_eq!(outcome(204, "", None), Outcome::Accepted { written: None });
        assert_eq!(outcome(200, "", Some("7")), Outcome::Accepted { written: Some(7) });
        for status in [429, 500, 503] {
            assert!(matches!(outcome(status, "", None), Outcome::Retry { after: Some(_), .. }), "{status}");
        }
        let refused = outcome(400, "out of order sample", Some("5"));
        assert_eq!(refused, Outcome::Refused { reason: "status 400: out of order sample".into(), written: 5 });
        let Outcome::Refused { reason, .. } = outcome(415, "", None) else { panic!("it is refused") };
        assert!(reason.ends_with("set protobuf_message = \"prometheus.WriteRequest\""), "{reason}");
    }
}
