//! Long answers are read in slices: between them the page does what hands and clocks ask of it.
use gloo_timers::future::TimeoutFuture;
use prometheus_api::{ApiResponse, Data, RangeValues, Series};
use serde_json::{Deserializer, Error};

/// How much is read at a time, in bytes: it takes some milliseconds. Shorter answers are read at once.
const SLICE_BYTES: usize = 200_000;

/// What stands before the first series of a matrix, white space left out.
const HEAD: &str = "\"resultType\":\"matrix\",\"result\":[";

/// So many lines are worked on in a few milliseconds.
const FEW_LINES: usize = 1000;

/// Gives the page its turn where so many lines are at work that it would be held up.
pub(crate) async fn turn(lines: usize) {
    if lines > FEW_LINES {
        TimeoutFuture::new(0).await;
    }
}

/// Reads an answer.
///
/// # Errors
/// When it is none.
pub(crate) async fn read(text: &str) -> Result<ApiResponse<Data>, Error> {
    let Some(mut rest) = series(text).filter(|_| text.len() > SLICE_BYTES) else { return serde_json::from_str(text) };
    let mut matrix: Vec<Series<RangeValues>> = Vec::new();
    let mut slice_end = rest.len().saturating_sub(SLICE_BYTES);
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
        if rest.starts_with(']') {
            let data = Data::Matrix(matrix);
            return Ok(ApiResponse::Success { data, warnings: Vec::new(), infos: Vec::new() });
        }
        let mut one = Deserializer::from_str(rest).into_iter();
        // Where it ends before its time, what is wrong with it is for the usual reader to say.
        let Some(series) = one.next() else { return serde_json::from_str(text) };
        matrix.push(series?);
        rest = rest.get(one.byte_offset()..).unwrap_or_default();
        if rest.len() < slice_end {
            TimeoutFuture::new(0).await;
            slice_end = rest.len().saturating_sub(SLICE_BYTES);
        }
    }
}

/// The text from the first series on, of an answer that is a matrix as servers write it.
fn series(text: &str) -> Option<&str> {
    let at = text.find(HEAD).filter(|at| *at < 200)?;
    text.get(at + HEAD.len()..).filter(|_| text.starts_with("{\"status\":\"success\""))
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
    async fn a_long_answer_is_read_as_a_short_one() {
        let text = long(20_000, "]},\"stats\":{}}");
        assert!(text.len() > 2 * SLICE_BYTES);
        let sliced = format!("{:?}", read(&text).await.expect("an answer"));
        assert_eq!(sliced, format!("{:?}", serde_json::from_str::<ApiResponse<Data>>(&text).expect("an answer")));
    }

    #[wasm_bindgen_test]
    async fn a_long_answer_that_is_broken_is_an_error() {
        for end in ["", ",", ",{\"metric\":", ",7]}}", "x]}}"] {
            assert!(read(&long(20_000, end)).await.is_err(), "{end}");
        }
    }
}
