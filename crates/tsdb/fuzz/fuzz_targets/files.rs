//! Fuzzes files of a store as they are: a block, a segment of the log, a chunk file; run by `make nightly`.
#![no_main]
mod folder;

use folder::Folder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((kind, content)) = bytes.split_first() else { return };
    let extension = ["block", "wal", "chunks", "tmp"][usize::from(kind % 4)];
    let folder = Folder::default();
    folder.add(&format!("{:016x}.{extension}", 1), content.to_vec());
    folder::check(&folder);
});
