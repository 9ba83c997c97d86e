//! The container of this process, from its control group (version 2), with cAdvisor's metric names.
//!
//! In a container `/proc` describes the whole machine. The limits of the container are in its control group only.
use crate::sources::cgroup::{Cgroup, CpuQuota};
use crate::sources::families::FamilyBuilder;
use exposition::Kind;

/// Collects the use and the limits of `cgroup`, the group of the container `name`. Outside containers it is the root
/// group, which has neither.
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
    if let Some(CpuQuota { quota_us, period_us }) = cgroup.own_cpu_quota() {
        add("container_spec_cpu_quota", Kind::Gauge, "CPU quota of the container, in microseconds.", Some(quota_us));
        add("container_spec_cpu_period", Kind::Gauge, "CPU period of the container, in microseconds.", Some(period_us));
    }
}
