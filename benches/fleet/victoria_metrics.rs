//! Into a running VictoriaMetrics, by its JSON lines, two requests at a time.
use crate::{History, Part};
use anyhow::ensure;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// The samples, and how long its answers took.
pub(crate) fn take(history: History, address: &str) -> anyhow::Result<String> {
    let (mut samples, mut took) = (0, Duration::ZERO);
    for chunk in history {
        samples += chunk.samples();
        let bodies: Vec<String> = chunk.replicas.iter().map(lines).collect();
        let began = Instant::now();
        thread::scope(|scope| {
            let posts = bodies
                .chunks(bodies.len().div_ceil(2))
                .map(|bodies| scope.spawn(|| bodies.iter().try_for_each(|body| post(address, "/api/v1/import", body))));
            let posts: Vec<_> = posts.collect();
            posts.into_iter().try_for_each(|post| post.join().unwrap_or_else(|_| Ok(())))
        })?;
        took += began.elapsed();
    }
    let began = Instant::now();
    post(address, "/internal/force_flush", "")?;
    took += began.elapsed();
    Ok(format!(r#"{{"samples":{samples},"seconds":{:.3}}}"#, took.as_secs_f64()))
}

/// A JSON object for each series.
fn lines(part: &Part) -> String {
    let times: Vec<String> = part.times_ms.iter().map(i64::to_string).collect();
    let times = times.join(",");
    let mut lines = String::new();
    for (labels, column) in part.labels.iter().zip(&part.columns) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name:?}:{value:?}")).collect();
        let values: Vec<String> = column.iter().map(f64::to_string).collect();
        let (labels, values) = (labels.join(","), values.join(","));
        let _ = writeln!(lines, r#"{{"metric":{{{labels}}},"values":[{values}],"timestamps":[{times}]}}"#);
    }
    lines
}

fn post(address: &str, path: &str, body: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 2"), "VictoriaMetrics answered: {answer}");
    Ok(())
}
