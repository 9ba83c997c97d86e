//! Windows over made-up samples; `tests/` reads a library.
use super::*;
use crate::metric::{ENERGY, PROCESS_MEMORY, UTILIZATION};

fn reading(metric: &'static Metric, labels: &[(&'static str, &str)], value: f64) -> Reading {
    let labels = labels.iter().map(|&(name, value)| (name, value.to_owned())).collect();
    Reading { metric, labels, value }
}

/// The samples as `name{label="value"} value`.
fn lines(families: &[Family]) -> Vec<String> {
    let line = |sample: &Sample| {
        let labels: Vec<_> = sample.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        match labels.join(",").as_str() {
            "" => format!("{} {}", sample.name, sample.value),
            labels => format!("{}{{{labels}}} {}", sample.name, sample.value),
        }
    };
    families.iter().flat_map(|family| &family.samples).map(line).collect()
}

#[test]
fn peaks_are_kept_and_counters_are_not_averaged() {
    let mut window = Window::new(Duration::from_secs(3));
    for (second, (utilization, joules)) in
        [(1.0, 10.0), (0.25, 11.0), (0.75, 12.0), (0.5, 13.0)].into_iter().enumerate()
    {
        let gpu = [("gpu", "0")];
        let readings = vec![reading(&UTILIZATION, &gpu, utilization), reading(&ENERGY, &gpu, joules)];
        window.push(Duration::from_secs(second as u64), readings);
    }
    assert_eq!(
        lines(&window.families()),
        [
            "gpu_collector_up 1",
            "gpu_energy_joules_total{gpu=\"0\"} 13",
            "gpu_utilization_ratio{gpu=\"0\"} 0.5",
            "gpu_utilization_ratio_max{gpu=\"0\"} 0.75",
        ]
    );
}

#[test]
fn series_that_the_newest_sample_lacks_are_gone() {
    let mut window = Window::new(Duration::from_secs(10));
    let (first, second) = ([("gpu", "0")], [("gpu", "1")]);
    window.push(Duration::ZERO, vec![reading(&ENERGY, &first, 1.0), reading(&ENERGY, &second, 1.0)]);
    window.push(Duration::from_secs(1), vec![reading(&ENERGY, &second, 2.0)]);
    assert_eq!(lines(&window.families()), ["gpu_collector_up 1", "gpu_energy_joules_total{gpu=\"1\"} 2"]);
}

#[test]
fn families_have_the_type_and_help_of_the_catalogue() {
    let mut window = Window::new(Duration::from_secs(10));
    window.push(Duration::ZERO, vec![reading(&ENERGY, &[("gpu", "0")], 1.0)]);
    let kinds: Vec<_> = window.families().into_iter().map(|family| (family.kind, family.help.is_empty())).collect();
    assert_eq!(kinds, [(Kind::Gauge, false), (Kind::Counter, false)]);
}

/// A week with a sample each second, and processes that come and go.
#[test]
fn a_week_of_samples_uses_no_more_memory_than_an_interval() {
    const WEEK_S: u64 = 7 * 24 * 3600;
    let mut window = Window::new(Duration::from_secs(6));
    for second in 0..WEEK_S {
        let process = (second / 60).to_string();
        let readings = vec![
            reading(&UTILIZATION, &[("gpu", "0")], (second % 7) as f64 / 7.0),
            reading(&PROCESS_MEMORY, &[("gpu", "0"), ("pid", &process)], 1.0),
        ];
        window.push(Duration::from_secs(second), readings);
        assert!(window.len() <= 6);
    }
    assert!(window.samples.capacity() <= 16, "{}", window.samples.capacity());
    let labels: Vec<_> = window.samples.iter().map(|sample| Arc::as_ptr(&sample.readings[0].labels)).collect();
    assert!(labels.windows(2).all(|pair| std::ptr::addr_eq(pair[0], pair[1])), "labels are shared");
    assert_eq!(lines(&window.families()).len(), 4);
}
