//! The container that this runs in, from its cgroup (version 2), under cAdvisor's names.
//!
//! `/proc` tells of the whole machine even where the kernel gives out much less: the limit at which it kills is here.
use crate::sources::cgroup::Cgroup;
use crate::sources::families::FamilyBuilder;
use exposition::Kind;

/// Writes what `cgroup` uses and may use. `name` is what the container is called. Outside containers `cgroup` is the root of
/// all, which has no limits and says nothing.
pub(crate) fn collect(cgroup: &Cgroup, name: Option<&str>, families: &mut FamilyBuilder) {
    let mut add = |family: &str, kind: Kind, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            families.family(family, kind, help);
            families.sample(&[("container", name.unwrap_or("this"))], value);
        }
    };
    let used = cgroup.working_set_bytes().map(|bytes| bytes as f64);
    let limit = cgroup.own_memory_limit_bytes().map(|bytes| bytes as f64);
    add("container_memory_working_set_bytes", Kind::Gauge, "Memory in use that cannot be given back, in bytes.", used);
    add("container_spec_memory_limit_bytes", Kind::Gauge, "Memory limit for the container, in bytes.", limit);
    add(
        "container_cpu_usage_seconds_total",
        Kind::Counter,
        "Cumulative CPU time consumed in seconds.",
        cgroup.cpu_seconds(),
    );
    if let Some((quota_us, period_us)) = cgroup.own_cpu_quota_us() {
        add("container_spec_cpu_quota", Kind::Gauge, "CPU quota of the container, in microseconds.", Some(quota_us));
        add("container_spec_cpu_period", Kind::Gauge, "CPU period of the container, in microseconds.", Some(period_us));
    }
}
