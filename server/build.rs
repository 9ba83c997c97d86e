//! Packs the built page for compiling it into the server: each file as it is, by brotli and by gzip, with its tag.
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const FOLDER: &str = "INFERBOARD_DIST";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed={FOLDER}");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=absent.html");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let dist = env::var_os(FOLDER).map_or_else(|| root.join("../dist"), PathBuf::from);
    println!("cargo:rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        collect(&dist, &dist, &mut files)?;
    } else {
        files.push(("/index.html".to_owned(), root.join("absent.html")));
    }
    files.sort();
    let mut table = String::from("&[\n");
    for (number, (path, file)) in files.iter().enumerate() {
        let body = fs::read(file)?;
        let packed = |suffix: &str, bytes: &[u8]| -> io::Result<String> {
            let target = out.join(format!("{number}.{suffix}"));
            fs::write(&target, bytes)?;
            Ok(format!("include_bytes!({target:?})"))
        };
        let plain = packed("plain", &body)?;
        let brotli = smaller(&body, &brotli(&body)?, |bytes| packed("br", bytes))?;
        let gzip = smaller(&body, &gzip(&body)?, |bytes| packed("gz", bytes))?;
        let tag: String = Sha256::digest(&body).iter().take(16).fold(String::new(), |mut tag, byte| {
            let _ = write!(tag, "{byte:02x}");
            tag
        });
        writeln!(
            table,
            "    Asset {{ path: {path:?}, tag: \"\\\"{tag}\\\"\", plain: {plain}, brotli: {brotli}, gzip: {gzip} }},"
        )?;
    }
    table.push(']');
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// All files below `folder`, by the path under which they are served.
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

/// The packed form as an expression, where packing saves anything.
fn smaller(body: &[u8], packed: &[u8], write: impl FnOnce(&[u8]) -> io::Result<String>) -> io::Result<String> {
    if packed.len() < body.len() { Ok(format!("Some({})", write(packed)?)) } else { Ok("None".into()) }
}

fn brotli(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*body, &mut packed, &brotli::enc::BrotliEncoderParams::default())?;
    Ok(packed)
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body)?;
    encoder.finish()
}
