//! The file that names the format version of a folder.
use crate::disk::FileSystem;
use crate::disk::header::VERSION;
use std::io;
use std::path::Path;

/// Its name.
pub(super) const NAME: &str = "format";

/// The version in the file at `path`; `None` if the file is damaged.
pub(super) fn read(fs: &dyn FileSystem, path: &Path) -> Option<u32> {
    let file = fs.open(path).ok()?;
    let mut bytes = vec![0; usize::try_from(file.size_bytes().ok()?).ok().filter(|size| *size < 256)?];
    file.read_at(0, &mut bytes).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let version = text.strip_prefix("inferboard store, format ")?.split_once(' ')?.0.parse().ok()?;
    (text == format_text(version)).then_some(version)
}

/// Writes the file, with this program's version, into `dir`.
pub(super) fn write(fs: &dyn FileSystem, dir: &Path) -> io::Result<()> {
    let temporary = dir.join(format!("{NAME}.tmp"));
    let file = fs.create(&temporary)?;
    file.write(format_text(VERSION).as_bytes())?;
    file.sync()?;
    fs.rename(&temporary, &dir.join(NAME))?;
    fs.sync_dir(dir)
}

fn format_text(version: u32) -> String {
    let text = format!("inferboard store, format {version}");
    format!("{text} (crc32c {:08x})\n", crc32c::crc32c(text.as_bytes()))
}
