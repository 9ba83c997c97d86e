//! The captured metrics pages.
use exposition::{Family, Format};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A captured metrics page, or one that was composed from the source of what would export it.
pub(crate) struct Capture {
    /// The name of its file and its snapshot.
    pub(crate) name: String,
    pub(crate) families: Vec<Family>,
    pub(crate) is_composed: bool,
}

/// Every page: those of this repository, and those from public repositories where they are present.
pub(crate) fn captures() -> Vec<Capture> {
    let mut captures = own_pages();
    captures.extend(public_captures());
    captures.sort_by(|one, other| one.name.cmp(&other.name));
    captures
}

/// The pages in this repository: captures, the last metrics page before the restart in the recorded session, and composed
/// pages.
pub(crate) fn own_pages() -> Vec<Capture> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    let session = fixtures.join("vllm-0.32-session/1795319959787.up.prom.gz");
    let of = |folder: &str| {
        let pages = pages_in(&fixtures.join(folder)).expect("a folder of this repository");
        pages.into_iter().map(|path| capture(&path)).collect::<Vec<_>>()
    };
    let mut pages = of("captures");
    pages.push(Capture { name: "vllm_0.32_session".into(), ..capture(&session) });
    pages.extend(of("composed").into_iter().map(|page| Capture { is_composed: true, ..page }));
    pages
}

/// The captures from public repositories, which are not part of this one. Empty where they are absent.
fn public_captures() -> Vec<Capture> {
    let beside_workspace = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let folder = std::env::var_os("CAPTURES_DIR").map_or_else(beside_workspace, PathBuf::from);
    let (Some(pages), Some(derived)) = (pages_in(&folder), pages_in(&folder.join("derived"))) else {
        println!("skipped: {} is absent; CAPTURES_DIR names another place", folder.display());
        return Vec::new();
    };
    pages.iter().chain(&derived).map(|path| capture(path)).collect()
}

/// Whether the captures from public repositories are present.
pub(crate) fn has_public_captures() -> bool {
    !public_captures().is_empty()
}

fn pages_in(folder: &Path) -> Option<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).ok()?.map(|entry| entry.expect("an entry").path());
    Some(entries.filter(|path| path.extension().is_some_and(|extension| extension == "prom")).collect())
}

fn capture(path: &Path) -> Capture {
    let mut body = fs::read(path).expect("a capture");
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut text).expect("gzip");
        body = text;
    }
    let name = path.file_name().expect("a name").to_string_lossy().trim_end_matches(".prom").to_owned();
    let families = exposition::parse(&body, Format::Text, &exposition::Limits::default());
    let families = families.unwrap_or_else(|error| panic!("{name}: {error}"));
    Capture { families, name, is_composed: false }
}
