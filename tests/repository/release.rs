//! Tests of the files of a release: checksums, archive, bill of materials, provenance, and where `cargo binstall` looks.
use crate::packaged::{has, repository, succeeds};
use inferboard_tests::Companion;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const TARGET: &str = "x86_64-unknown-linux-gnu";

#[test]
fn a_release_is_whole_and_says_what_it_is_made_of() {
    let small = Path::new("/bin/sh");
    if !has("python3") || !cfg!(all(target_os = "linux", target_arch = "x86_64")) || !small.exists() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let mut command = Command::new(repository().join("scripts/release"));
    // What is in the packages is tested with the companion; here a small program saves the time.
    command.arg("--built").arg(format!("{TARGET}={}", small.display()));
    command.arg("--generator").arg(Companion::program().expect("the companion"));
    command.args(["--compression", "none", "--out"]).arg(&out);
    succeeds(command);

    let sums = check_sums(&out);
    let expected = [
        format!("inferboard-{VERSION}-image-amd64.tar"),
        format!("inferboard-chart-{VERSION}.tgz"),
        format!("inferboard-server-{VERSION}-{TARGET}.spdx.json"),
        format!("inferboard-server-{VERSION}-{TARGET}.tar.gz"),
        format!("inferboard_{VERSION}_amd64.deb"),
    ];
    assert_eq!(sums.keys().cloned().collect::<Vec<_>>(), expected);
    check_archive(&out, small);
    check_bill(&json(&out.join(&expected[2])));
    check_provenance(&json(&out.join("provenance.intoto.json")), &sums);
}

/// The sums that `sha256sum --check` would read, by file; each is right.
fn check_sums(out: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(out.join("SHA256SUMS")).expect("the sums");
    let pairs = text.lines().map(|line| line.split_once("  ").expect("a sum and a name"));
    let sums: BTreeMap<_, _> = pairs.map(|(sum, name)| (name.to_owned(), sum.to_owned())).collect();
    for (name, sum) in &sums {
        let bytes = fs::read(out.join(name)).expect("a file");
        let real: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(*sum, real, "{name}");
    }
    sums
}

/// What `[package.metadata.binstall]` makes of its templates, which are this archive and the program in it.
fn check_archive(out: &Path, program: &Path) {
    let manifest = fs::read_to_string(repository().join("server/Cargo.toml")).expect("the manifest");
    let value = |key: &str| {
        let line = manifest.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        let text = line.unwrap_or_else(|| panic!("{key} is not in the manifest")).trim_matches('"').to_owned();
        let text = text.replace("{ version }", VERSION).replace("{ target }", TARGET);
        text.replace("{ bin }", "inferboard-server").replace("{ binary-ext }", "")
    };
    let url = value("pkg-url");
    let name = url.strip_prefix(&format!("{{ repo }}/releases/download/v{VERSION}/")).expect("below the repository");
    assert_eq!(value("pkg-fmt"), "tgz");
    let unpacked = out.join("unpacked");
    fs::create_dir(&unpacked).expect("a folder");
    let mut command = Command::new("tar");
    command.arg("--extract").arg("--gzip").arg("--file").arg(out.join(name)).arg("--directory").arg(&unpacked);
    succeeds(command);
    let own = unpacked.join(value("bin-dir"));
    assert_eq!(fs::read(&own).expect("the program"), fs::read(program).expect("the program"));
    let mut command = Command::new(&own);
    command.args(["-c", "echo runs"]);
    assert_eq!(succeeds(command), "runs\n");
    let beside = own.parent().expect("a folder");
    for name in ["LICENSE", "README.md", "third-party-licenses.txt", "man/man1/inferboard-server.1"] {
        assert!(beside.join(name).is_file(), "{name} is missing");
    }
}

/// The bill names what is compiled in, as the lock file has it, and nothing else. Source: SPDX 2.3.
fn check_bill(bill: &Value) {
    assert_eq!((&bill["spdxVersion"], &bill["dataLicense"]), (&"SPDX-2.3".into(), &"CC0-1.0".into()));
    let packages = bill["packages"].as_array().expect("packages");
    let ids: BTreeSet<_> = packages.iter().map(|package| text(&package["SPDXID"])).collect();
    assert_eq!(ids.len(), packages.len(), "each package has an id of its own");
    for relation in bill["relationships"].as_array().expect("relationships") {
        for id in [&relation["spdxElementId"], &relation["relatedSpdxElement"]] {
            assert!(text(id) == "SPDXRef-DOCUMENT" || ids.contains(text(id)), "{id} is no package");
        }
    }
    let named = |name: &str| packages.iter().find(|package| package["name"] == name);
    for name in ["inferboard-server", "inferboard", "tokio", "leptos", "web-sys", "tikv-jemallocator", "ring"] {
        assert!(named(name).is_some(), "{name} is compiled in");
    }
    for name in ["inferboard-tests", "thirtyfour", "wasm-bindgen-test", "windows-sys"] {
        assert!(named(name).is_none(), "{name} is not compiled in");
    }
    let lock = fs::read_to_string(repository().join("Cargo.lock")).expect("the lock file");
    let tokio = named("tokio").expect("tokio");
    let sum = text(&tokio["checksums"][0]["checksumValue"]);
    assert!(lock.contains(&format!("name = \"tokio\"\nversion = {}\n", tokio["versionInfo"])), "{tokio}");
    assert!(lock.contains(&format!("checksum = \"{sum}\"")), "{tokio}");
    assert_eq!(tokio["licenseDeclared"], "MIT");
}

/// The statement names each file by its digest, and what they are made of. Source: SLSA provenance 1.0.
fn check_provenance(statement: &Value, sums: &BTreeMap<String, String>) {
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    let subjects = statement["subject"].as_array().expect("subjects").iter();
    let subjects: BTreeMap<_, _> =
        subjects.map(|one| (text(&one["name"]).to_owned(), text(&one["digest"]["sha256"]).to_owned())).collect();
    assert_eq!(subjects, *sums);
    let definition = &statement["predicate"]["buildDefinition"];
    assert_eq!(definition["externalParameters"]["version"], VERSION);
    assert_eq!(definition["externalParameters"]["targets"], serde_json::json!([TARGET]));
    let inputs: Vec<_> = definition["resolvedDependencies"].as_array().expect("inputs").iter().collect();
    assert!(inputs.iter().any(|input| input["uri"] == "file:Cargo.lock"), "{inputs:?}");
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
