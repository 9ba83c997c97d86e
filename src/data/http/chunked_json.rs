//! Reads long answers in slices, yielding to input events and timers in between.
use gloo_timers::future::TimeoutFuture;
use prometheus_api::{ApiResponse, Data, RangeValues, Series};
use serde_json::{Deserializer, Error};

/// Bytes that are parsed without yielding, which takes some milliseconds. Shorter answers are parsed at once.
const SLICE_BYTES: usize = 200_000;

/// How a matrix begins, white space left out.
const MATRIX_START: &str = "\"resultType\":\"matrix\",\"result\":[";

/// How far into an answer [`MATRIX_START`] is looked for, in bytes.
const MAX_START_BYTES: usize = 200;

/// Lines that are processed without yielding, which takes a few milliseconds.
const MAX_LINES_AT_ONCE: usize = 1000;

/// Yields to the browser where `lines` are so many that processing them would block the page.
pub(crate) async fn yield_if_many(lines: usize) {
    if lines > MAX_LINES_AT_ONCE {
        TimeoutFuture::new(0).await;
    }
}

/// Parses an answer.
///
/// # Errors
/// When the text is not an answer of the API.
pub(crate) async fn parse(text: &str) -> Result<ApiResponse<Data>, Error> {
    let Some((start, mut rest)) = first_series(text).filter(|_| text.len() > SLICE_BYTES) else {
        return serde_json::from_str(text);
    };
    let mut matrix: Vec<Series<RangeValues>> = Vec::new();
    let mut slice_end = rest.len().saturating_sub(SLICE_BYTES);
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
        if rest.starts_with(']') {
            // What is around the series, such as warnings, is read as that of an answer without any.
            let mut answer = serde_json::from_str(&format!("{start}{rest}"))?;
            if let ApiResponse::Success { data, .. } = &mut answer {
                *data = Data::Matrix(matrix);
            }
            return Ok(answer);
        }
        let mut one = Deserializer::from_str(rest).into_iter();
        // The text ends too early: the parser of whole answers says what is wrong with it.
        let Some(series) = one.next() else { return serde_json::from_str(text) };
        matrix.push(series?);
        rest = rest.get(one.byte_offset()..).unwrap_or_default();
        if rest.len() < slice_end {
            TimeoutFuture::new(0).await;
            slice_end = rest.len().saturating_sub(SLICE_BYTES);
        }
    }
}

/// The text before and from the first series on, if the answer is a matrix as servers write it.
fn first_series(text: &str) -> Option<(&str, &str)> {
    let at = text.find(MATRIX_START).filter(|at| *at < MAX_START_BYTES)?;
    text.split_at_checked(at + MATRIX_START.len()).filter(|_| text.starts_with("{\"status\":\"success\""))
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use super::*;
    use std::fmt::Write;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn long(count: usize, end: &str) -> String {
        let mut text = String::from("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[");
        for at in 0..count {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(text, "{comma}{{\"metric\":{{\"line\":\"]{at},\"}},\"values\":[[1,\"0.5\"],[2,\"NaN\"]]}}");
        }
        text + end
    }

    #[wasm_bindgen_test]
    async fn a_long_answer_is_parsed_as_a_short_one() {
        for end in ["]},\"stats\":{}}", "]},\"warnings\":[\"w]\"],\"infos\":[\"i\"],\"isPartial\":true}"] {
            let text = long(20_000, end);
            assert!(text.len() > 2 * SLICE_BYTES);
            let sliced = format!("{:?}", parse(&text).await.expect("an answer"));
            assert_eq!(sliced, format!("{:?}", serde_json::from_str::<ApiResponse<Data>>(&text).expect("an answer")));
        }
    }

    #[wasm_bindgen_test]
    async fn a_long_answer_that_is_broken_is_an_error() {
        for end in ["", ",", ",{\"metric\":", ",7]}}", "x]}}"] {
            assert!(parse(&long(20_000, end)).await.is_err(), "{end}");
        }
    }
}
