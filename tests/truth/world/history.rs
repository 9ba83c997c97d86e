//! The history of targets as text with timestamps, as a companion or a Prometheus would have stored it.
use super::metrics_page::{Sample, samples};
use super::{Dialect, Target};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Whose history it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A companion's, with states, restarts, zeros of new series and ends of series; OpenMetrics.
    Companion,
    /// A Prometheus's, with `up` and no more than was on the metrics pages; OpenMetrics.
    Prometheus,
    /// The same in the Prometheus format, for VictoriaMetrics.
    VictoriaMetrics,
}

/// Writes the scrapes of targets after one time and not after another.
pub(crate) fn write(
    out: &mut impl Write,
    targets: &[&Target],
    origin: Origin,
    after_ms: i64,
    until_ms: i64,
) -> io::Result<()> {
    for target in targets {
        TargetHistory { out, target, labels: labels(target, origin), origin }.write(after_ms, until_ms)?;
    }
    Ok(())
}

/// The labels that a scrape adds.
fn labels(target: &Target, origin: Origin) -> String {
    let Target { model, replica, instance, .. } = target;
    let job = engine(target.dialect);
    match (target.dialect, origin) {
        // One page of a whole organisation: the scope is in the series.
        (Dialect::Baseten, Origin::Companion) => {
            format!("instance=\"{instance}\",job=\"{job}\",model=\"{model}\",deployment=\"d1\"")
        }
        (Dialect::Baseten, _) => format!("instance=\"{instance}\",job=\"{job}\",model=\"{model}\""),
        _ => format!("instance=\"{instance}\",job=\"{job}\",model=\"{model}\",replica=\"{replica}\""),
    }
}

/// The engine's name in the companion's series.
pub(crate) fn engine(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Vllm { .. } => "vllm",
        Dialect::Tgi => "tgi",
        Dialect::LlamaCpp => "llamacpp",
        Dialect::Baseten => "baseten",
    }
}

struct TargetHistory<'a, W> {
    out: &'a mut W,
    target: &'a Target,
    labels: String,
    origin: Origin,
}

impl<W: Write> TargetHistory<'_, W> {
    fn write(&mut self, after_ms: i64, until_ms: i64) -> io::Result<()> {
        let first_ms = self.target.first_scrape_ms();
        let mut last_ms = self.target.scrapes(after_ms - self.target.interval_ms, after_ms).last();
        let mut last = last_ms.map_or(Vec::new(), |time_ms| samples(self.target, time_ms));
        for time_ms in self.target.scrapes(after_ms, until_ms) {
            let page = samples(self.target, time_ms);
            if self.origin == Origin::Companion && time_ms > first_ms {
                self.write_births_and_ends(&last, &page, last_ms.unwrap_or(time_ms), time_ms)?;
            }
            for Sample { name, labels, value } in &page {
                self.sample(name, labels, *value, time_ms)?;
            }
            self.write_scrape(time_ms)?;
            (last, last_ms) = (page, Some(time_ms));
        }
        Ok(())
    }

    /// A counter that was not on the last page was zero then. A series that is gone ends.
    fn write_births_and_ends(
        &mut self,
        last: &[Sample],
        page: &[Sample],
        last_ms: i64,
        time_ms: i64,
    ) -> io::Result<()> {
        if last.len() == page.len() {
            return Ok(());
        }
        let keys = |samples: &[Sample]| -> BTreeSet<(&'static str, String)> {
            samples.iter().map(|sample| (sample.name, sample.labels.clone())).collect()
        };
        let (before, now) = (keys(last), keys(page));
        for (name, labels) in now.difference(&before).filter(|(name, _)| is_counter(name)) {
            self.sample(name, labels, 0.0, last_ms)?;
        }
        for (name, labels) in before.difference(&now) {
            self.sample(name, labels, f64::NAN, time_ms)?;
        }
        Ok(())
    }

    /// The series about the scrape and the replica.
    fn write_scrape(&mut self, time_ms: i64) -> io::Result<()> {
        let is_up = self.target.run_at(time_ms).is_some();
        let number = |is: bool| f64::from(u8::from(is));
        self.sample("up", "", number(is_up), time_ms)?;
        self.sample("scrape_duration_seconds", "", 0.004, time_ms)?;
        if self.origin == Origin::Companion && self.target.dialect != Dialect::Baseten {
            self.sample("inferboard_replica_state", "state=\"running\"", number(is_up), time_ms)?;
            self.sample("inferboard_replica_state", "state=\"stopped\"", number(!is_up), time_ms)?;
            let starts = self.target.runs.iter().filter(|run| run.start_ms <= time_ms).count();
            let restarts = starts.saturating_sub(1) as f64;
            self.sample("inferboard_replica_restarts_total", "reason=\"unknown\"", restarts, time_ms)?;
            let engine = format!("engine=\"{}\"", engine(self.target.dialect));
            self.sample("inferboard_engine_info", &engine, 1.0, time_ms)?;
        }
        Ok(())
    }

    fn sample(&mut self, name: &str, labels: &str, value: f64, time_ms: i64) -> io::Result<()> {
        let comma = if labels.is_empty() { "" } else { "," };
        write!(self.out, "{name}{{{}{comma}{labels}}} {value} ", self.labels)?;
        match self.origin {
            Origin::VictoriaMetrics => writeln!(self.out, "{time_ms}"),
            _ => writeln!(self.out, "{}.{:03}", time_ms / 1000, time_ms % 1000),
        }
    }
}

fn is_counter(name: &str) -> bool {
    ["_total", "_bucket", "_sum", "_count", "_success", "_failure"].iter().any(|part| name.ends_with(part))
}
