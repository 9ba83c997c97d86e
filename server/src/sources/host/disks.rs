//! Disks, from `/proc/diskstats`.
use crate::sources::families::FamilyBuilder;
use crate::sources::host::IsClean;
use exposition::Kind;

/// The sector size of `/proc/diskstats`, whatever the disk's own is (Linux's `iostats.rst`).
const SECTOR_BYTES: f64 = 512.0;
const MILLI: f64 = 1e-3;

/// A column of `/proc/diskstats`, and the metric it becomes.
struct Column {
    /// From 0, with the two device numbers and the disk's name.
    index: usize,
    name: &'static str,
    kind: Kind,
    help: &'static str,
    /// The factor from the column's unit to the metric's.
    unit: f64,
}

const fn counter(index: usize, name: &'static str, help: &'static str, unit: f64) -> Column {
    Column { index, name, kind: Kind::Counter, help, unit }
}

/// Source: Linux's `Documentation/admin-guide/iostats.rst`, and node_exporter's `diskstats_linux.go`.
const COLUMNS: [Column; 8] = [
    counter(3, "node_disk_reads_completed_total", "The total number of reads completed successfully.", 1.0),
    counter(5, "node_disk_read_bytes_total", "The total number of bytes read successfully.", SECTOR_BYTES),
    counter(6, "node_disk_read_time_seconds_total", "The total number of seconds spent by all reads.", MILLI),
    counter(7, "node_disk_writes_completed_total", "The total number of writes completed successfully.", 1.0),
    counter(9, "node_disk_written_bytes_total", "The total number of bytes written successfully.", SECTOR_BYTES),
    counter(10, "node_disk_write_time_seconds_total", "The total number of seconds spent by all writes.", MILLI),
    Column {
        index: 11,
        name: "node_disk_io_now",
        kind: Kind::Gauge,
        help: "The number of I/Os currently in progress.",
        unit: 1.0,
    },
    counter(12, "node_disk_io_time_seconds_total", "Total seconds spent doing I/Os.", MILLI),
];

/// How many fields a line has at least.
const MIN_FIELDS: usize = 14;

pub(crate) fn collect(diskstats: &str, families: &mut FamilyBuilder) -> IsClean {
    let (mut disks, mut is_clean) = (Vec::new(), true);
    for line in diskstats.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let numbers: Option<Vec<u64>> = words.iter().skip(3).map(|word| word.parse().ok()).collect();
        match (words.get(2), numbers) {
            (Some(disk), Some(numbers)) if words.len() >= MIN_FIELDS => {
                if !is_excluded(disk) {
                    disks.push((*disk, numbers));
                }
            }
            _ => is_clean = false,
        }
    }
    for Column { index, name, kind, help, unit } in COLUMNS {
        families.family(name, kind, help);
        for (disk, numbers) in &disks {
            families.sample(&[("device", disk)], numbers[index - 3] as f64 * unit);
        }
    }
    is_clean
}

/// Whether the device is a partition, whose I/O its disk counts too, or not a disk. node_exporter excludes the same:
/// `^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$`.
fn is_excluded(disk: &str) -> bool {
    let stem = disk.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.len() == disk.len() {
        return false;
    }
    let is_letter_of = |prefix: &str| {
        let letter = stem.strip_prefix(prefix).map(str::as_bytes);
        matches!(letter, Some([letter]) if letter.is_ascii_lowercase())
    };
    let is_of_nvme = || stem.starts_with("nvme") && stem.ends_with('p') && stem.contains('n');
    matches!(stem, "ram" | "zram" | "loop" | "fd")
        || ["hd", "sd", "vd", "xvd"].into_iter().any(is_letter_of)
        || is_of_nvme()
}

#[cfg(test)]
mod tests {
    use super::is_excluded;

    #[test]
    fn partitions_and_pseudo_disks_are_excluded() {
        for device in ["sda1", "vdb12", "xvda1", "hda3", "nvme0n1p2", "loop7", "ram0", "zram0", "fd0"] {
            assert!(is_excluded(device), "{device}");
        }
        for disk in ["sda", "vdb", "nvme0n1", "nvme10n2", "dm-0", "md127", "sdaa", "mmcblk0", "sr0"] {
            assert!(!is_excluded(disk), "{disk}");
        }
    }
}
