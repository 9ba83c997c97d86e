//! What Python's client library reports about its process.
use super::Process;
use crate::page::{Kind, PageSink};

/// The families of the process.
pub(super) fn write(process: &Process<'_>, page: &mut impl PageSink) {
    let requests = process.counts.ended.iter().sum::<u64>() as f64;
    let generations = |page: &mut dyn FnMut(&str, f64), values: [f64; 3]| {
        ["0", "1", "2"].into_iter().zip(values).for_each(|(generation, value)| page(generation, value));
    };
    for (name, help, values) in [
        (
            "python_gc_objects_collected_total",
            "Objects collected during gc",
            [12_566.0 + 2.0 * requests, 3_137.0, 1_029.0],
        ),
        ("python_gc_objects_uncollectable_total", "Uncollectable objects found during GC", [0.0; 3]),
        (
            "python_gc_collections_total",
            "Number of times this generation was collected",
            [1_792.0 + requests, 163.0, 11.0],
        ),
    ] {
        page.family(name, Kind::Counter, help);
        generations(&mut |generation, value| page.sample("", &[("generation", generation)], value), values);
    }
    let labels =
        [("implementation", "CPython"), ("major", "3"), ("minor", "11"), ("patchlevel", "7"), ("version", "3.11.7")];
    page.gauge("python_info", "Python platform information", &labels, 1.0);
    page.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", &[], 4.5e10);
    page.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", &[], process.memory_bytes);
    let help = "Start time of the process since unix epoch in seconds.";
    page.gauge("process_start_time_seconds", help, &[], process.started_s);
    let help = "Total user and system CPU time spent in seconds.";
    page.counter("process_cpu_seconds_total", help, &[], (process.cpu_s * 100.0).floor() / 100.0);
    page.gauge("process_open_fds", "Number of open file descriptors.", &[], 64.0);
    page.gauge("process_max_fds", "Maximum number of open file descriptors.", &[], 1_048_576.0);
}
