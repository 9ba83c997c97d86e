//! The container that this runs in, from its cgroup (version 2), under cAdvisor's names.
//!
//! `/proc` tells of the whole machine even where the kernel gives out much less: the limit at which it kills is here.
use crate::sources::cgroup::Cgroup;
use crate::sources::page::PageWriter;

/// Writes what `cgroup` uses and may use. `name` is what the container is called. Outside containers `cgroup` is the root of
/// all, which has no limits and says nothing.
pub(crate) fn write(cgroup: &Cgroup, name: Option<&str>, page: &mut PageWriter) {
    let mut tell = |family: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            page.family(family, kind, help);
            page.sample(family, &[("container", name.unwrap_or("this"))], value);
        }
    };
    let used = cgroup.working_set_bytes().map(|bytes| bytes as f64);
    let limit = cgroup.own_memory_limit_bytes().map(|bytes| bytes as f64);
    tell("container_memory_working_set_bytes", "gauge", "Memory in use that cannot be given back, in bytes.", used);
    tell("container_spec_memory_limit_bytes", "gauge", "Memory limit for the container, in bytes.", limit);
    tell(
        "container_cpu_usage_seconds_total",
        "counter",
        "Cumulative CPU time consumed in seconds.",
        cgroup.cpu_seconds(),
    );
    if let Some((quota_us, period_us)) = cgroup.own_cpu_quota_us() {
        tell("container_spec_cpu_quota", "gauge", "CPU quota of the container, in microseconds.", Some(quota_us));
        tell("container_spec_cpu_period", "gauge", "CPU period of the container, in microseconds.", Some(period_us));
    }
}
