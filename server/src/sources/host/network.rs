//! Network interfaces, from `/proc/net/dev`.
use crate::sources::families::FamilyBuilder;
use crate::sources::host::IsClean;
use exposition::Kind;

/// Columns of a line after the interface's name, and what node_exporter calls them.
const COLUMNS: [(usize, &str); 8] = [
    (0, "receive_bytes"),
    (1, "receive_packets"),
    (2, "receive_errs"),
    (3, "receive_drop"),
    (8, "transmit_bytes"),
    (9, "transmit_packets"),
    (10, "transmit_errs"),
    (11, "transmit_drop"),
];

/// How interfaces are called that only pass on what others receive and send: those of containers and bridges. Counted
/// with the others they would show traffic twice.
const INNER: [&str; 10] = ["veth", "docker", "br-", "virbr", "cni", "cali", "flannel", "cilium", "lxc", "ifb"];

/// Lines that head the table.
const HEAD: usize = 2;

pub(crate) fn collect(dev: &str, families: &mut FamilyBuilder) -> IsClean {
    let lines: Vec<_> = dev.lines().skip(HEAD).map(interface).collect();
    for (column, name) in COLUMNS {
        let help = format!("Network device statistic {name}.");
        families.family(&format!("node_network_{name}_total"), Kind::Counter, &help);
        for (device, numbers) in lines.iter().flatten() {
            if !INNER.iter().any(|inner| device.starts_with(inner)) {
                families.sample(&[("device", device)], numbers[column] as f64);
            }
        }
    }
    !lines.is_empty() && lines.iter().all(Option::is_some)
}

/// An interface and its sixteen columns.
fn interface(line: &str) -> Option<(&str, [u64; 16])> {
    // A name may have colons itself.
    let (device, rest) = line.rsplit_once(':')?;
    let numbers: Vec<u64> = rest.split_ascii_whitespace().map(|word| word.parse().ok()).collect::<Option<_>>()?;
    Some((device.trim(), numbers.try_into().ok()?))
}
