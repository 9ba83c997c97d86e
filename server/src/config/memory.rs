//! How much memory the companion may take, and how many series that suffices for.
use crate::config::{ConfigError, setting};
use crate::processes::limits::ResourceLimits;
use crate::sources::host::{HostPaths, read_file};
use tsdb::SERIES_BYTES;

/// The part of the memory that is for series, in hundredths.
const SERIES_PERCENT: u64 = 60;

/// The number of series that is allowed however little memory there is.
const MIN_SERIES: u64 = 20_000;

/// The part of the memory that is for requests and their answers, in hundredths, and its bounds.
const REQUEST_PERCENT: u64 = 25;
const MIN_REQUEST_BYTES: u64 = 32 << 20;
const MAX_REQUEST_BYTES: u64 = 256 << 20;

/// Memory if the system does not say how much there is.
const DEFAULT_BYTES: u64 = 1 << 30;

/// The number of series for which so much memory suffices.
pub(crate) fn series_limit(memory_bytes: u64) -> usize {
    let series = (memory_bytes / 100 * SERIES_PERCENT / SERIES_BYTES as u64).max(MIN_SERIES);
    // Series have 32-bit numbers.
    usize::try_from(series.min(u64::from(u32::MAX / 2))).unwrap_or(usize::MAX)
}

/// The memory that requests and their answers may take together.
pub(crate) fn request_bytes(memory_bytes: u64) -> u64 {
    (memory_bytes / 100 * REQUEST_PERCENT).clamp(MIN_REQUEST_BYTES, MAX_REQUEST_BYTES)
}

/// The memory of this machine, or less if a control group limits this process.
pub(crate) fn available_bytes(paths: &HostPaths) -> u64 {
    let machine = read_file(&paths.proc.join("meminfo")).and_then(|text| total_bytes(&text));
    let group = ResourceLimits::read(paths, std::process::id()).memory_bytes;
    machine.into_iter().chain(group).min().unwrap_or(DEFAULT_BYTES)
}

fn total_bytes(meminfo: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Parses a size such as `512MiB` or `2GB`.
///
/// # Errors
/// If it is not a number with a unit of bytes.
pub(crate) fn parse_size(name: &str, text: &str) -> Result<u64, ConfigError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim() {
        "" | "B" => Some(1),
        "kB" | "KB" => Some(1000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let bytes = number.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| {
        setting(name, format!("{text:?} is not a size; write a number and a unit, such as 512MiB or 2GiB"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_a_part_of_the_memory() {
        let mib = |limit: u64| request_bytes(limit << 20) >> 20;
        assert_eq!([64, 512, 4096].map(mib), [32, 127, 256]);
    }

    #[test]
    fn sizes_have_a_number_and_a_unit() {
        let size = |text| parse_size("memory_limit", text).ok();
        for (text, bytes) in [
            ("1", Some(1)),
            ("512MiB", Some(512 << 20)),
            ("2 GiB", Some(2 << 30)),
            ("3GB", Some(3_000_000_000)),
            ("0", None),
            ("", None),
            ("GiB", None),
            ("1.5GiB", None),
            ("-1GiB", None),
            ("1 parsec", None),
            ("99999999999GiB", None),
        ] {
            assert_eq!(size(text), bytes, "{text:?}");
        }
    }

    #[test]
    fn the_limit_of_series_grows_with_the_memory() {
        assert_eq!(series_limit(0), 20_000);
        let gigabyte = series_limit(1 << 30);
        assert!((600_000..1_000_000).contains(&gigabyte), "{gigabyte}");
        assert_eq!(series_limit(10 << 30) / gigabyte, 10);
    }

    #[test]
    fn the_memory_is_that_of_the_machine_or_of_the_control_group() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = HostPaths { proc: folder.path().join("proc"), sys: folder.path().join("sys"), root: None };
        assert_eq!(available_bytes(&paths), DEFAULT_BYTES);
        let write = |path: String, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        write("proc/meminfo".into(), "MemTotal:        8000000 kB\nMemFree: 1 kB\n");
        assert_eq!(available_bytes(&paths), 8_192_000_000);
        write(format!("proc/{}/cgroup", std::process::id()), "0::/pod\n");
        write("sys/fs/cgroup/pod/memory.max".into(), "536870912\n");
        assert_eq!(available_bytes(&paths), 512 << 20);
    }
}
