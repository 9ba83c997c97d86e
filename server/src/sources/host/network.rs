//! Network interfaces, from `/proc/net/dev`.
use crate::sources::families::FamilyBuilder;
use crate::sources::host::IsClean;
use exposition::Kind;

/// The columns after the interface's name, and node_exporter's names for them.
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

/// Name prefixes of the interfaces of containers and bridges. They pass on the traffic of other interfaces, which would
/// be counted twice.
const VIRTUAL_PREFIXES: [&str; 10] =
    ["veth", "docker", "br-", "virbr", "cni", "cali", "flannel", "cilium", "lxc", "ifb"];

/// How many lines the header of the table has.
const HEADER_LINES: usize = 2;

pub(crate) fn collect(dev: &str, families: &mut FamilyBuilder) -> IsClean {
    let lines: Vec<_> = dev.lines().skip(HEADER_LINES).map(interface).collect();
    for (column, name) in COLUMNS {
        let help = format!("Network device statistic {name}.");
        families.family(&format!("node_network_{name}_total"), Kind::Counter, &help);
        for (device, numbers) in lines.iter().flatten() {
            if !VIRTUAL_PREFIXES.iter().any(|prefix| device.starts_with(prefix)) {
                families.sample(&[("device", device)], numbers[column] as f64);
            }
        }
    }
    !lines.is_empty() && lines.iter().all(Option::is_some)
}

/// The name of an interface and its sixteen columns.
fn interface(line: &str) -> Option<(&str, [u64; 16])> {
    // The name may contain colons.
    let (device, rest) = line.rsplit_once(':')?;
    let numbers: Vec<u64> = rest.split_ascii_whitespace().map(|word| word.parse().ok()).collect::<Option<_>>()?;
    Some((device.trim(), numbers.try_into().ok()?))
}
