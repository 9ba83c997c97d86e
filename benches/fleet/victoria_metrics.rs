//! Loading into a running VictoriaMetrics as JSON lines, two requests at a time.
use crate::{History, ReplicaChunk};
use anyhow::ensure;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// Returns the number of samples and the duration of the requests.
pub(crate) fn load(history: History, address: &str) -> anyhow::Result<String> {
    let (mut samples, mut elapsed) = (0, Duration::ZERO);
    for chunk in history {
        samples += chunk.samples();
        let bodies: Vec<String> = chunk.replicas.iter().map(lines).collect();
        let started = Instant::now();
        thread::scope(|scope| {
            let posts = bodies
                .chunks(bodies.len().div_ceil(2))
                .map(|bodies| scope.spawn(|| bodies.iter().try_for_each(|body| post(address, "/api/v1/import", body))));
            let posts: Vec<_> = posts.collect();
            posts.into_iter().try_for_each(|post| post.join().unwrap_or_else(|_| Ok(())))
        })?;
        elapsed += started.elapsed();
    }
    let started = Instant::now();
    post(address, "/internal/force_flush", "")?;
    elapsed += started.elapsed();
    Ok(format!(r#"{{"samples":{samples},"seconds":{:.3}}}"#, elapsed.as_secs_f64()))
}

/// One line for each series.
fn lines(replica: &ReplicaChunk) -> String {
    let times: Vec<String> = replica.times_ms.iter().map(i64::to_string).collect();
    let times = times.join(",");
    let mut lines = String::new();
    for (labels, column) in replica.labels.iter().zip(&replica.columns) {
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
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    ensure!(response.starts_with("HTTP/1.1 2"), "VictoriaMetrics responded: {response}");
    Ok(())
}
