//! Who may read the files that hold secrets.
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The bits of a mode with which everyone may read a file, and enter a folder.
const READ_BY_ALL: u32 = 0o004;
const ENTER_BY_ALL: u32 = 0o001;

/// The bits of a mode that let anyone but the owner do anything.
const BY_OTHERS: u32 = 0o077;

/// Whether every user of this machine can read the file at `path`: its own mode allows it, and those of all folders on the
/// way to it.
pub(crate) fn is_readable_by_all(path: &Path) -> bool {
    let mode = |path: &Path| path.metadata().map(|metadata| metadata.mode());
    let Ok(path) = path.canonicalize() else { return false };
    let can_enter = |folder: &Path| mode(folder).is_ok_and(|mode| mode & ENTER_BY_ALL != 0);
    mode(&path).is_ok_and(|mode| mode & READ_BY_ALL != 0) && path.ancestors().skip(1).all(can_enter)
}

/// Whether others than its owner can read or change the folder at `path`.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_dir() && metadata.mode() & BY_OTHERS != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, create_dir, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_readable_if_it_and_its_folders_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let (inner, file) = (folder.path().join("inner"), folder.path().join("inner/token"));
        create_dir(&inner).expect("a folder");
        write(&file, "secret").expect("a file");
        let set = |path: &Path, mode: u32| set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
        for (outer_mode, inner_mode, file_mode, expected) in [
            (0o755, 0o755, 0o644, true),
            (0o711, 0o711, 0o604, true),
            (0o755, 0o755, 0o640, false),
            (0o755, 0o750, 0o644, false),
            (0o700, 0o755, 0o644, false),
        ] {
            set(&file, file_mode);
            set(&inner, inner_mode);
            set(folder.path(), outer_mode);
            assert_eq!(is_readable_by_all(&file), expected, "{outer_mode:o} {inner_mode:o} {file_mode:o}");
            assert_eq!(is_open_to_others(folder.path()), outer_mode != 0o700);
        }
        assert!(!is_readable_by_all(&folder.path().join("none")) && !is_open_to_others(&file));
    }
}
