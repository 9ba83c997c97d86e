//! Disks, from `/proc/diskstats`.
use crate::sources::families::FamilyBuilder;
use crate::sources::host::IsClean;
use exposition::Kind;

/// `/proc/diskstats` counts in sectors of this size whatever the disk's own is (Linux's `iostats.rst`).
const SECTOR_BYTES: f64 = 512.0;
const MILLI: f64 = 1e-3;

/// The column of a line, the name, the type, what it counts, and the unit of the column.
/// Source: Linux's `Documentation/admin-guide/iostats.rst`, and node_exporter's `diskstats_linux.go`.
const COLUMNS: [(usize, &str, Kind, &str, f64); 8] = [
    (3, "node_disk_reads_completed_total", Kind::Counter, "The total number of reads completed successfully.", 1.0),
    (5, "node_disk_read_bytes_total", Kind::Counter, "The total number of bytes read successfully.", SECTOR_BYTES),
    (6, "node_disk_read_time_seconds_total", Kind::Counter, "The total number of seconds spent by all reads.", MILLI),
    (7, "node_disk_writes_completed_total", Kind::Counter, "The total number of writes completed successfully.", 1.0),
    (
        9,
        "node_disk_written_bytes_total",
        Kind::Counter,
        "The total number of bytes written successfully.",
        SECTOR_BYTES,
    ),
    (
        10,
        "node_disk_write_time_seconds_total",
        Kind::Counter,
        "The total number of seconds spent by all writes.",
        MILLI,
    ),
    (11, "node_disk_io_now", Kind::Gauge, "The number of I/Os currently in progress.", 1.0),
    (12, "node_disk_io_time_seconds_total", Kind::Counter, "Total seconds spent doing I/Os.", MILLI),
];

/// Fields that a line has at least.
const FIELDS: usize = 14;

pub(crate) fn collect(diskstats: &str, families: &mut FamilyBuilder) -> IsClean {
    let (mut disks, mut is_clean) = (Vec::new(), true);
    for line in diskstats.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let numbers: Option<Vec<u64>> = words.iter().skip(3).map(|word| word.parse().ok()).collect();
        match (words.get(2), numbers) {
            (Some(disk), Some(numbers)) if words.len() >= FIELDS => {
                if !is_part(disk) {
                    disks.push((*disk, numbers));
                }
            }
            _ => is_clean = false,
        }
    }
    for (column, name, kind, help, unit) in COLUMNS {
        families.family(name, kind, help);
        for (disk, numbers) in &disks {
            families.sample(&[("device", disk)], numbers[column - 3] as f64 * unit);
        }
    }
    is_clean
}

/// Whether it is a part of a disk, which counts again what its disk does, or no disk at all. node_exporter leaves out the
/// same: `^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$`.
fn is_part(disk: &str) -> bool {
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
    use super::is_part;

    #[test]
    fn parts_and_what_is_no_disk_are_left_out() {
        for part in ["sda1", "vdb12", "xvda1", "hda3", "nvme0n1p2", "loop7", "ram0", "zram0", "fd0"] {
            assert!(is_part(part), "{part}");
        }
        for disk in ["sda", "vdb", "nvme0n1", "nvme10n2", "dm-0", "md127", "sdaa", "mmcblk0", "sr0"] {
            assert!(!is_part(disk), "{disk}");
        }
    }
}
