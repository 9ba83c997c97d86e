//! Windows of samples made here; the library itself is in `tests/`.
use super::*;
use crate::metric::{ENERGY, PROCESS_MEMORY, UTILIZATION};

fn reading(metric: &'static Metric, labels: &str, value: f64) -> Reading {
    Reading { metric, labels: labels.into(), value }
}

fn lines(page: &str) -> Vec<&str> {
    page.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn spikes_are_kept_and_counters_are_not_averaged() {
    let mut window = Window::new(Duration::from_secs(3));
    for (second, (utilization, joules)) in
        [(1.0, 10.0), (0.25, 11.0), (0.75, 12.0), (0.5, 13.0)].into_iter().enumerate()
    {
        let readings = vec![reading(&UTILIZATION, "gpu=\"0\"", utilization), reading(&ENERGY, "gpu=\"0\"", joules)];
        window.push(Duration::from_secs(second as u64), readings);
    }
    assert_eq!(
        lines(&window.page()),
        [
            "gpu_collector_up 1",
            "gpu_energy_joules_total{gpu=\"0\"} 13",
            "gpu_utilization_ratio{gpu=\"0\"} 0.5",
            "gpu_utilization_ratio_max{gpu=\"0\"} 0.75",
        ]
    );
}

#[test]
fn what_the_newest_sample_lacks_is_gone() {
    let mut window = Window::new(Duration::from_secs(10));
    window.push(Duration::ZERO, vec![reading(&ENERGY, "gpu=\"0\"", 1.0), reading(&ENERGY, "gpu=\"1\"", 1.0)]);
    window.push(Duration::from_secs(1), vec![reading(&ENERGY, "gpu=\"1\"", 2.0)]);
    assert_eq!(lines(&window.page()), ["gpu_collector_up 1", "gpu_energy_joules_total{gpu=\"1\"} 2"]);
}

/// A week at one sample a second, with processes that come and go.
#[test]
fn a_week_of_samples_takes_no_more_than_an_interval() {
    const WEEK_S: u64 = 7 * 24 * 3600;
    let mut window = Window::new(Duration::from_secs(6));
    for second in 0..WEEK_S {
        let process = format!("gpu=\"0\",pid=\"{}\"", second / 60);
        let readings = vec![
            reading(&UTILIZATION, "gpu=\"0\"", (second % 7) as f64 / 7.0),
            reading(&PROCESS_MEMORY, &process, 1.0),
        ];
        window.push(Duration::from_secs(second), readings);
        assert!(window.len() <= 6);
    }
    assert!(window.samples.capacity() <= 16, "{}", window.samples.capacity());
    let labels: Vec<_> = window.samples.iter().map(|(_, readings)| Arc::as_ptr(&readings[0].labels)).collect();
    assert!(labels.windows(2).all(|pair| std::ptr::addr_eq(pair[0], pair[1])), "labels are shared");
    assert_eq!(lines(&window.page()).len(), 4);
}
