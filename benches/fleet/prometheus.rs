//! Loading into blocks of Prometheus with `promtool`, two hours at a time, as it reads its input once for each two hours.
use crate::{Chunk, History};
use anyhow::{Context, ensure};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Returns the number of samples and the duration of `promtool`.
pub(crate) fn load(history: History, folder: &Path) -> anyhow::Result<String> {
    fs::create_dir_all(folder)?;
    let text = folder.with_extension("om");
    let (mut samples, mut elapsed, mut file) = (0, Duration::ZERO, None);
    for chunk in history {
        samples += chunk.samples();
        let open = match &mut file {
            Some(open) => open,
            none => none.insert(BufWriter::new(File::create(&text)?)),
        };
        write(&chunk, open)?;
        if let Some(mut whole) = file.take_if(|_| chunk.is_block_end) {
            whole.write_all(b"# EOF\n")?;
            whole.flush()?;
            let started = Instant::now();
            create_block(&text, folder)?;
            elapsed += started.elapsed();
        }
    }
    fs::remove_file(&text)?;
    Ok(format!(r#"{{"samples":{samples},"seconds":{:.3}}}"#, elapsed.as_secs_f64()))
}

fn create_block(text: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("promtool");
    command.args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"]).args([text, folder]);
    let status = command.stdout(Stdio::null()).status().context("cannot start promtool")?;
    ensure!(status.success(), "promtool failed with {status}");
    Ok(())
}

fn write(chunk: &Chunk, file: &mut impl Write) -> anyhow::Result<()> {
    for replica in &chunk.replicas {
        for (labels, column) in replica.labels.iter().zip(&replica.columns) {
            let matchers = labels.iter().filter(|(name, _)| *name != promql::METRIC_NAME);
            let matchers: Vec<String> = matchers.map(|(name, value)| format!("{name}={value:?}")).collect();
            let series = format!("{}{{{}}}", labels.metric_name().unwrap_or_default(), matchers.join(","));
            for (time_ms, value) in replica.times_ms.iter().zip(column) {
                writeln!(file, "{series} {value} {}.{:03}", time_ms / 1000, time_ms % 1000)?;
            }
        }
    }
    Ok(())
}
