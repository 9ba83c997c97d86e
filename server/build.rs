//! Prepares the built page for compiling it into the server: each file plain and compressed, with its entity tag.
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The environment variable that names the folder of the built page; by default it is `dist`.
const DIST_VARIABLE: &str = "INFERBOARD_DIST";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed={DIST_VARIABLE}");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=absent.html");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let dist = env::var_os(DIST_VARIABLE).map_or_else(|| root.join("../dist"), PathBuf::from);
    println!("cargo:rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        collect(&dist, &dist, &mut files)?;
    } else {
        files.push(("/index.html".to_owned(), root.join("absent.html")));
    }
    files.sort();
    let mut assets = String::from("&[\n");
    for (number, (path, file)) in files.iter().enumerate() {
        let body = fs::read(file)?;
        let include = |suffix: &str, bytes: &[u8]| -> io::Result<String> {
            let target = out.join(format!("{number}.{suffix}"));
            fs::write(&target, bytes)?;
            Ok(format!("include_bytes!({target:?})"))
        };
        let plain = include("plain", &body)?;
        let brotli = if_smaller(&body, &brotli(&body)?, |bytes| include("br", bytes))?;
        let gzip = if_smaller(&body, &gzip(&body)?, |bytes| include("gz", bytes))?;
        let etag: String = Sha256::digest(&body).iter().take(16).fold(String::new(), |mut etag, byte| {
            let _ = write!(etag, "{byte:02x}");
            etag
        });
        writeln!(
            assets,
            "    Asset {{ path: {path:?}, etag: \"\\\"{etag}\\\"\", plain: {plain}, brotli: {brotli}, gzip: {gzip} }},"
        )?;
    }
    assets.push(']');
    fs::write(out.join("assets.rs"), assets)?;
    Ok(())
}

/// Collects all files below `folder`, with the paths of their URLs.
fn collect(dist: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(dist, &path, files)?;
        } else {
            let below = path.strip_prefix(dist)?.to_str().ok_or("a file name of the page is not UTF-8")?;
            files.push((format!("/{}", below.replace('\\', "/")), path));
        }
    }
    Ok(())
}

/// The expression for the compressed body: `None` if it is not smaller than the plain one.
fn if_smaller(body: &[u8], compressed: &[u8], include: impl FnOnce(&[u8]) -> io::Result<String>) -> io::Result<String> {
    if compressed.len() < body.len() { Ok(format!("Some({})", include(compressed)?)) } else { Ok("None".into()) }
}

fn brotli(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*body, &mut compressed, &brotli::enc::BrotliEncoderParams::default())?;
    Ok(compressed)
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body)?;
    encoder.finish()
}
