//! `inferboard-server query`: sends a PromQL query to a running server and prints the result.
use crate::cli::server::{ServerArgs, ServerError, cause_of};
use crate::clock::now_ms;
use crate::terminal::{json, one_line, print_error};
use clap::Args;
use prometheus_api::{ApiError, ApiResponse, Data, format_time, format_value, parse_duration_ms, parse_time_ms};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// How long to wait for a response. The server's own limit is shorter.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest response that is read. The companion's are shorter.
const MAX_BYTES: usize = 64 << 20;

/// How many steps a range query has by default.
const DEFAULT_STEPS: i64 = 60;

/// Arguments of `query`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// PromQL expression
    #[arg(value_name = "EXPR")]
    expr: String,
    #[command(flatten)]
    server: ServerArgs,
    /// File with a token that the server asks for
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Evaluation time, in Unix seconds or as 2026-11-20T14:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Length of a range query that ends at that time, such as 1h
    #[arg(long, value_name = "DURATION")]
    range: Option<String>,
    /// Step of the range query [default: a sixtieth of the range]
    #[arg(long, value_name = "DURATION", requires = "range")]
    step: Option<String>,
    /// Print the server's JSON response
    #[arg(long)]
    json: bool,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// An argument is malformed.
    #[error("--{argument}: {problem}")]
    Argument {
        /// The argument.
        argument: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The arguments do not say how to reach the server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The server is not reachable.
    #[error("cannot reach {server}: {problem}; start inferboard-server, or choose another server with --server")]
    Unreachable {
        /// The server's URL.
        server: String,
        /// The cause.
        problem: String,
    },
    /// The response is not one of a Prometheus API.
    #[error("{server} responded with status {status} and no Prometheus API result; check --server")]
    UnexpectedResponse {
        /// The server's URL.
        server: String,
        /// The status.
        status: u16,
    },
    /// The response does not end within what is read.
    #[error("{server} responded with more than {MAX_BYTES} bytes; select fewer series, or use a longer step")]
    TooLong {
        /// The server's URL.
        server: String,
    },
    /// The server reports an error.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Sends the query and returns the text to print.
///
/// # Errors
/// If an argument is malformed, or the server returns no result.
pub fn query(args: &QueryArgs) -> Result<String, QueryError> {
    let ApiRequest { path, params } = request(args, now_ms())?;
    let base = args.server.name();
    let unreachable = |error: &(dyn std::error::Error + 'static)| QueryError::Unreachable {
        server: base.to_owned(),
        problem: cause_of(error),
    };
    let token = args.token_file.as_ref().map(|file| {
        let problem = |error: std::io::Error| format!("cannot read {file:?}: {error}");
        let read = std::fs::read_to_string(file).map_err(problem);
        read.map_err(|problem| QueryError::Argument { argument: "token-file", problem })
    });
    let token = token.transpose()?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| unreachable(&error))?;
    let to = args.server.connect(TIMEOUT)?;
    let (status, body) = runtime
        .block_on(async {
            let mut request = to.client.get(format!("{}{path}", to.base)).query(&params);
            if let Some(token) = &token {
                request = request.bearer_auth(token.trim());
            }
            let mut response = request.send().await?;
            let mut body = Vec::new();
            while let Some(piece) = response.chunk().await? {
                body.extend_from_slice(&piece);
                if body.len() > MAX_BYTES {
                    return Ok((response.status().as_u16(), None));
                }
            }
            Ok((response.status().as_u16(), Some(body)))
        })
        .map_err(|error: reqwest::Error| unreachable(&error))?;
    let body = body.ok_or_else(|| QueryError::TooLong { server: base.to_owned() })?;
    let response: ApiResponse<Data> = serde_json::from_slice(&body)
        .map_err(|_| QueryError::UnexpectedResponse { server: base.to_owned(), status })?;
    if let ApiResponse::Success { warnings, infos, .. } = &response {
        warnings.iter().for_each(|warning| print_error(format_args!("warning: {}", one_line(warning))));
        infos.iter().for_each(|info| print_error(format_args!("info: {}", one_line(info))));
    }
    let data = response.into_result()?;
    Ok(if args.json { format!("{}\n", json(&String::from_utf8_lossy(&body))) } else { text(&data) })
}

/// A request to the API.
struct ApiRequest {
    path: &'static str,
    params: Vec<(&'static str, String)>,
}

fn request(args: &QueryArgs, now_ms: i64) -> Result<ApiRequest, QueryError> {
    let argument = |argument: &'static str| move |problem| QueryError::Argument { argument, problem };
    let time = args.time.as_deref().map(parse_time_ms).transpose();
    let end_ms = time.map_err(|error| argument("time")(error.to_string()))?.unwrap_or(now_ms);
    let query = ("query", args.expr.clone());
    let Some(range) = &args.range else {
        return Ok(ApiRequest { path: "/api/v1/query", params: vec![query, ("time", format_time(end_ms))] });
    };
    let length_ms = parse_duration_ms(range).map_err(|error| argument("range")(error.to_string()))?;
    let step = args.step.as_deref().map(parse_duration_ms).transpose();
    let step_ms =
        step.map_err(|error| argument("step")(error.to_string()))?.unwrap_or((length_ms / DEFAULT_STEPS).max(1000));
    let start = ("start", format_time(end_ms - length_ms));
    let params = vec![query, start, ("end", format_time(end_ms)), ("step", format_time(step_ms))];
    Ok(ApiRequest { path: "/api/v1/query_range", params })
}

/// The data as text: one value a line, followed or preceded by its series.
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
            let values: Vec<_> = series.iter().map(|one| format_value(one.samples.value.1.0)).collect();
            let width = values.iter().map(String::len).max().unwrap_or_default();
            for (value, one) in values.iter().zip(series) {
                writeln!(out, "{value:>width$}  {}", selector(&one.metric))?;
            }
        }
        Data::Matrix(series) => {
            for one in series {
                writeln!(out, "{}", selector(&one.metric))?;
                for (time_s, value) in &one.samples.values {
                    writeln!(out, "  {time_s}  {}", format_value(value.0))?;
                }
            }
        }
    }
    Ok(())
}

/// The PromQL selector of a series. Names that PromQL accepts in quotes only are in quotes.
fn selector(metric: &BTreeMap<String, String>) -> String {
    let is_plain = |name: &str| {
        let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
        name.starts_with(is_start) && name.chars().all(|c| is_start(c) || c.is_ascii_digit())
    };
    let name = metric.get(promql::METRIC_NAME).map_or("", String::as_str);
    let is_plain_name = name.is_empty() || is_plain(&name.replace(':', "_"));
    let quoted_name = (!is_plain_name).then(|| format!("{name:?}"));
    let labels = metric.iter().filter(|(name, _)| *name != promql::METRIC_NAME);
    let labels = labels.map(|(name, value)| match is_plain(name) {
        true => format!("{name}={value:?}"),
        false => format!("{name:?}={value:?}"),
    });
    let inside: Vec<String> = quoted_name.into_iter().chain(labels).collect();
    let name = if is_plain_name { name } else { "" };
    if inside.is_empty() && !name.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", inside.join(", ")) }
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

    fn request_of(args: &[&str]) -> Result<String, String> {
        let args = std::iter::once(&"query").chain(args);
        let args = Cli::try_parse_from(args).map_err(|error| error.to_string())?.args;
        let ApiRequest { path, params } = request(&args, 3_600_000).map_err(|error| error.to_string())?;
        let params: Vec<_> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(format!("{path} {}", params.join(" ")))
    }

    #[test]
    fn arguments_become_a_request() {
        assert_eq!(request_of(&["up"]).as_deref(), Ok("/api/v1/query query=up time=3600"));
        assert_eq!(request_of(&["up", "--time", "60"]).as_deref(), Ok("/api/v1/query query=up time=60"));
        let range = request_of(&["up", "--range", "30m", "--step", "1m"]);
        assert_eq!(range.as_deref(), Ok("/api/v1/query_range query=up start=1800 end=3600 step=60"));
        let range = request_of(&["up", "--range", "1h"]);
        assert_eq!(range.as_deref(), Ok("/api/v1/query_range query=up start=0 end=3600 step=60"));
        assert!(request_of(&["up", "--range", "soon"]).is_err_and(|error| error.starts_with("--range: ")));
    }

    #[test]
    fn results_are_printed_one_value_a_line() {
        let of = |json: &str| text(&serde_json::from_str::<Data>(json).expect("data"));
        let vector = r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[1,"1"]},
            {"metric":{},"value":[1,"0.25"]}]}"#;
        assert_eq!(of(vector), "   1  up{job=\"a\"}\n0.25  {}\n");
        let matrix =
            r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"values":[[1,"1"],[2.5,"NaN"]]}]}"#;
        assert_eq!(of(matrix), "up\n  1  1\n  2.5  NaN\n");
        assert_eq!(of(r#"{"resultType":"vector","result":[]}"#), "no data\n");
        let odd = r#"{"resultType":"vector","result":[{"metric":{"__name__":"a\nb","c d":"e"},"value":[1,"1"]},
            {"metric":{"__name__":"job:a:b","le":"1"},"value":[1,"1"]}]}"#;
        assert_eq!(of(odd), "1  {\"a\\nb\", \"c d\"=\"e\"}\n1  job:a:b{le=\"1\"}\n");
    }
}
