//! `inferboard-server query`: an answer in PromQL from a running server, for people and scripts.
use clap::Args;
use prometheus_api::{ApiError, ApiResponse, Data, format_value, parse_duration_ms, parse_time_ms};
use reqwest::Url;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::clock::now_ms;

/// How long to wait for the answer; the server gives up sooner.
const PATIENCE: Duration = Duration::from_secs(30);

/// Steps of a range whose step is not given.
const STEPS: i64 = 60;

/// Arguments of `query`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// PromQL
    #[arg(value_name = "EXPR")]
    expr: String,
    /// The server; a Prometheus will do
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7117")]
    server: Url,
    /// When, in Unix seconds or as 2026-11-20T14:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Values over this long before that time, such as 1h
    #[arg(long, value_name = "DURATION")]
    range: Option<String>,
    /// From value to value of a range [default: a sixtieth of it]
    #[arg(long, value_name = "DURATION", requires = "range")]
    step: Option<String>,
    /// Print the server's JSON
    #[arg(long)]
    json: bool,
}

/// No answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// An argument cannot be read.
    #[error("--{argument}: {problem}")]
    Argument {
        /// Which.
        argument: &'static str,
        /// Why.
        problem: String,
    },
    /// The server is not there.
    #[error("{server} does not answer: {problem}; start one with inferboard-server, or give --server")]
    Server {
        /// Its address.
        server: String,
        /// Why.
        problem: String,
    },
    /// The answer is not one of this API.
    #[error("{server} answered with status {status} and nothing that can be read; is it a Prometheus API?")]
    Unreadable {
        /// Its address.
        server: String,
        /// The status.
        status: u16,
    },
    /// The server refuses.
    #[error("{0}")]
    Refused(#[from] ApiError),
}

/// The answer as text to print.
///
/// # Errors
/// When there is none.
pub fn query(args: &QueryArgs) -> Result<String, QueryError> {
    let (verb, params) = request(args, now_ms())?;
    let base = args.server.as_str().trim_end_matches('/');
    let failed = |error: &dyn std::error::Error| {
        let mut problem = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            problem = next.to_string();
            cause = next.source();
        }
        QueryError::Server { server: base.to_owned(), problem }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| failed(&error))?;
    let (status, body) = runtime
        .block_on(async {
            let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
            let response = client.get(format!("{base}/api/v1/{verb}")).query(&params).send().await?;
            Ok((response.status().as_u16(), response.bytes().await?))
        })
        .map_err(|error: reqwest::Error| failed(&error))?;
    let answer: ApiResponse<Data> =
        serde_json::from_slice(&body).map_err(|_| QueryError::Unreadable { server: base.to_owned(), status })?;
    if let ApiResponse::Success { warnings, infos, .. } = &answer {
        warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        infos.iter().for_each(|info| eprintln!("info: {info}"));
    }
    let data = answer.into_result()?;
    Ok(if args.json { format!("{}\n", String::from_utf8_lossy(&body)) } else { text(&data) })
}

type Params = Vec<(&'static str, String)>;

fn request(args: &QueryArgs, now_ms: i64) -> Result<(&'static str, Params), QueryError> {
    let argument = |argument: &'static str| move |problem| QueryError::Argument { argument, problem };
    let time = args.time.as_deref().map(parse_time_ms).transpose();
    let end_ms = time.map_err(|error| argument("time")(error.to_string()))?.unwrap_or(now_ms);
    let query = ("query", args.expr.clone());
    let Some(range) = &args.range else {
        return Ok(("query", vec![query, ("time", prometheus_api::format_time(end_ms))]));
    };
    let length_ms = parse_duration_ms(range).map_err(|error| argument("range")(error.to_string()))?;
    let step = args.step.as_deref().map(parse_duration_ms).transpose();
    let step_ms = step.map_err(|error| argument("step")(error.to_string()))?.unwrap_or((length_ms / STEPS).max(1000));
    let time = prometheus_api::format_time;
    let span = [("start", time(end_ms - length_ms)), ("end", time(end_ms)), ("step", time(step_ms))];
    Ok(("query_range", [query].into_iter().chain(span).collect()))
}

/// A value a line, the series beside it.
fn text(data: &Data) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(data, &mut out);
    if out.is_empty() {
        out.push_str("no data\n");
    }
    out
}

fn write(data: &Data, out: &mut String) -> std::fmt::Result {
    match data {
        Data::Scalar((_, value)) => writeln!(out, "{}", format_value(value.0))?,
        Data::String((_, text)) => writeln!(out, "{text}")?,
        Data::Vector(series) => {
            let values: Vec<_> = series.iter().map(|own| format_value(own.samples.value.1.0)).collect();
            let width = values.iter().map(String::len).max().unwrap_or_default();
            for (value, own) in values.iter().zip(series) {
                writeln!(out, "{value:>width$}  {}", name(&own.metric))?;
            }
        }
        Data::Matrix(series) => {
            for own in series {
                writeln!(out, "{}", name(&own.metric))?;
                for (time_s, value) in &own.samples.values {
                    writeln!(out, "  {time_s}  {}", format_value(value.0))?;
                }
            }
        }
    }
    Ok(())
}

/// A series as PromQL selects it.
fn name(metric: &BTreeMap<String, String>) -> String {
    let labels: Vec<_> = metric
        .iter()
        .filter(|(name, _)| *name != promql::METRIC_NAME)
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    let own = metric.get(promql::METRIC_NAME).map_or("", String::as_str);
    if labels.is_empty() && !own.is_empty() { own.to_owned() } else { format!("{own}{{{}}}", labels.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: QueryArgs,
    }

    fn asked(words: &[&str]) -> Result<String, String> {
        let words = std::iter::once(&"query").chain(words);
        let args = Cli::try_parse_from(words).map_err(|error| error.to_string())?.args;
        let (verb, params) = request(&args, 3_600_000).map_err(|error| error.to_string())?;
        let params: Vec<_> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(format!("{verb} {}", params.join(" ")))
    }

    #[test]
    fn arguments_become_a_request() {
        assert_eq!(asked(&["up"]).as_deref(), Ok("query query=up time=3600"));
        assert_eq!(asked(&["up", "--time", "60"]).as_deref(), Ok("query query=up time=60"));
        let range = asked(&["up", "--range", "30m", "--step", "1m"]);
        assert_eq!(range.as_deref(), Ok("query_range query=up start=1800 end=3600 step=60"));
        assert_eq!(asked(&["up", "--range", "1h"]).as_deref(), Ok("query_range query=up start=0 end=3600 step=60"));
        assert!(asked(&["up", "--range", "soon"]).is_err_and(|error| error.starts_with("--range: ")));
    }

    #[test]
    fn answers_are_a_value_a_line() {
        let of = |json: &str| text(&serde_json::from_str::<Data>(json).expect("data"));
        let vector = r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[1,"1"]},
            {"metric":{},"value":[1,"0.25"]}]}"#;
        assert_eq!(of(vector), "   1  up{job=\"a\"}\n0.25  {}\n");
        let matrix =
            r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"values":[[1,"1"],[2.5,"NaN"]]}]}"#;
        assert_eq!(of(matrix), "up\n  1  1\n  2.5  NaN\n");
        assert_eq!(of(r#"{"resultType":"vector","result":[]}"#), "no data\n");
    }
}
