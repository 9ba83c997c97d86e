//! Tests of the container image: the archive by OCI's image specification, and the program in its root file system, where
//! only the data folder can be written.
use crate::packaged::{has, is_root, keeps_its_history, package, repository, succeeds};
use flate2::read::GzDecoder;
use inferboard_tests::{PATIENCE, skipped, until};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The user of the image.
const USER: u32 = 65532;

/// Where a chroot begins: its own mounts, of which nothing but the data folder can be written. What every container has,
/// `/proc` and `/dev/null`, is there.
const ENTER: &str = r#"
set -e
root=$1 user=$2
shift 2
mount --bind "$root" "$root"
mount --bind "$root/var/lib/inferboard" "$root/var/lib/inferboard"
mkdir -p "$root/proc" "$root/dev"
mount --rbind /proc "$root/proc"
touch "$root/dev/null"
mount --bind /dev/null "$root/dev/null"
mount -o remount,bind,ro "$root"
if [ "$user" = 0 ]; then exec chroot "$root" "$@"; fi
exec chroot --userspec="$user:$user" "$root" "$@"
"#;

#[tokio::test]
async fn the_image_is_valid_and_its_program_writes_only_its_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(archive) = package("image", folder.path()) else { return };
    let layout = folder.path().join("layout");
    unpack(&archive, &layout);
    let image = Image::read(&layout);
    check_config(&image.config);
    let root = folder.path().join("root");
    for layer in &image.layers {
        unpack(&layout.join(layer), &root);
    }
    check_files(&root);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    if !can_enter(&root) {
        skipped("the image's program: this user can make no mounts of its own");
        return;
    }
    give_gpus(&root);
    runs(&image.config, &root).await;
}

fn unpack(archive: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    let mut command = Command::new("tar");
    command.arg("--extract").arg("--file").arg(archive).arg("--directory").arg(to);
    if is_root() {
        command.args(["--numeric-owner", "--same-owner", "--same-permissions"]);
    }
    succeeds(command);
}

/// An image of one platform.
struct Image {
    config: Value,
    /// The paths of the layers in the layout.
    layers: Vec<String>,
}

impl Image {
    /// Reads a layout, every rule of which holds. Source: OCI's image specification 1.1.
    fn read(layout: &Path) -> Self {
        let file = |name: &str| fs::read(layout.join(name)).expect(name);
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
        assert_eq!(json(&file("oci-layout"))["imageLayoutVersion"], "1.0.0");
        let index = json(&file("index.json"));
        assert_eq!((&index["schemaVersion"], list(&index["manifests"]).len()), (&2.into(), 1));
        let mut seen = BTreeSet::new();
        let mut blob = |descriptor: &Value, media_type: &str| {
            assert_eq!(descriptor["mediaType"], media_type);
            let digest = text(&descriptor["digest"]).strip_prefix("sha256:").expect("an algorithm").to_owned();
            let path = format!("blobs/sha256/{digest}");
            let bytes = file(&path);
            assert_eq!(hex(&bytes), digest, "{descriptor}");
            assert_eq!(descriptor["size"], bytes.len(), "{descriptor}");
            seen.insert(digest);
            (path, bytes)
        };
        let (_, bytes) = blob(&index["manifests"][0], "application/vnd.oci.image.manifest.v1+json");
        let manifest = json(&bytes);
        assert_eq!(
            (&manifest["schemaVersion"], &manifest["mediaType"]),
            (&2.into(), &index["manifests"][0]["mediaType"])
        );
        let (config_path, bytes) = blob(&manifest["config"], "application/vnd.oci.image.config.v1+json");
        let config = json(&bytes);
        assert_eq!(config["architecture"], index["manifests"][0]["platform"]["architecture"]);
        let mut layers = Vec::new();
        for (descriptor, diff_id) in list(&manifest["layers"]).iter().zip(list(&config["rootfs"]["diff_ids"])) {
            let (path, bytes) = blob(descriptor, "application/vnd.oci.image.layer.v1.tar+gzip");
            let mut tar = Vec::new();
            GzDecoder::new(&*bytes).read_to_end(&mut tar).expect("a layer");
            assert_eq!(text(diff_id), format!("sha256:{}", hex(&tar)));
            layers.push(path);
        }
        assert_eq!(layers.len(), list(&config["rootfs"]["diff_ids"]).len());
        assert_eq!(layers.len(), list(&config["history"]).len());
        let blobs = fs::read_dir(layout.join("blobs/sha256")).expect("blobs").flatten();
        let blobs: BTreeSet<_> = blobs.map(|blob| blob.file_name().to_string_lossy().into_owned()).collect();
        assert_eq!(blobs, seen, "each blob is named by another");
        // The same for `docker load` of before layouts.
        let old = &json(&file("manifest.json"))[0];
        assert_eq!(old["Config"], config_path);
        assert_eq!(list(&old["Layers"]).iter().map(text).collect::<Vec<_>>(), layers);
        Self { config, layers }
    }
}

fn check_config(image: &Value) {
    assert_eq!(image["os"], "linux");
    let config = &image["config"];
    assert_eq!(config["User"], format!("{USER}:{USER}"));
    assert_eq!(config["Healthcheck"]["Test"], serde_json::json!(["CMD", "/usr/bin/inferboard-server", "health"]));
    assert_eq!(config["Labels"]["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(config["Labels"]["org.opencontainers.image.licenses"], "Apache-2.0");
    assert!(config["ExposedPorts"].get("7117/tcp").is_some() && config["Volumes"].get("/var/lib/inferboard").is_some());
}

/// Nothing is in it but what the program needs: no shell, nothing that a user may change or that gives rights.
fn check_files(root: &Path) {
    let files = files(root);
    let names: Vec<_> = files.iter().map(|path| path.strip_prefix(root).expect("below the root").to_owned()).collect();
    for path in ["usr/bin/inferboard-server", "etc/passwd", "etc/ssl/certs/ca-certificates.crt"] {
        assert!(names.iter().any(|name| name == Path::new(path)), "{path} is missing");
    }
    for (path, name) in files.iter().zip(&names) {
        let is_known =
            ["etc", "usr/bin/inferboard-server", "usr/share/doc/inferboard", "usr/lib", "usr/lib64", "lib", "lib64"]
                .iter()
                .any(|folder| name.starts_with(folder));
        assert!(is_known, "{} is in the image", name.display());
        let metadata = path.symlink_metadata().expect("a file");
        if metadata.is_file() {
            assert_eq!(metadata.mode() & 0o7022, 0, "{} can be changed, or gives rights", name.display());
        }
    }
    let data = root.join("var/lib/inferboard").metadata().expect("the data folder");
    assert_eq!(data.mode() & 0o777, 0o700);
    if is_root() {
        assert_eq!((data.uid(), data.gid()), (USER, USER));
    }
}

/// The files below a folder, without the folders.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// A command in the root file system, with the environment of the image alone.
fn inside(config: &Value, root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "sh", "-c", ENTER, "sh"]).arg(root);
    command.arg(if is_root() { USER.to_string() } else { "0".to_owned() });
    command.args(list(&config["Entrypoint"]).iter().map(text)).args(arguments).env_clear();
    for variable in list(&config["Env"]).iter().map(text) {
        let (name, value) = variable.split_once('=').expect("a variable");
        if name != "PATH" {
            command.env(name, value);
        }
    }
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// Puts NVIDIA's library where its container runtime mounts it: beside the C library, which has to suffice for it.
fn give_gpus(root: &Path) {
    let libraries = files(root).into_iter().filter(|path| path.ends_with("libc.so.6"));
    let folders: Vec<_> = libraries.filter_map(|path| path.parent().map(Path::to_owned)).collect();
    let [folder] = &folders[..] else { panic!("one C library: {folders:?}") };
    let fake = std::env::current_exe().expect("a path").with_file_name("libfake_nvml.so");
    fs::create_dir(root.join("dev")).expect("a folder");
    fs::write(root.join("dev/null"), "").expect("a file");
    fs::copy(fake, folder.join("libnvidia-ml.so.1")).expect("the fake library");
}

fn can_enter(root: &Path) -> bool {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "mount", "--bind"]).arg(root).arg(root).stderr(Stdio::null());
    has("unshare") && command.status().is_ok_and(|status| status.success())
}

async fn runs(image: &Value, root: &Path) {
    let config = &image["config"];
    let before: BTreeSet<_> = files(root).into_iter().collect();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--no-discovery", "--scrape-interval", "1s"];
    let again = keeps_its_history(|| inside(config, root, &arguments)).await;
    let api = again.api();
    let measured = async || api.value("gpu_collector_up{reason=\"\"}", None).await;
    until("a GPU", PATIENCE, measured, |value| (*value - 1.0).abs() < f64::EPSILON).await.expect("a GPU");
    let health = || inside(config, root, &["health", "--server", &again.url]);
    assert_eq!(succeeds(health()), format!("{} is ready\n", again.url));
    let mut gone = health();
    assert!(again.process.stop().expect("stopped").success(), "SIGTERM is a clean end");
    let output = gone.stdin(Stdio::null()).output().expect("a program");
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("cannot reach"));
    let data = root.join("var/lib/inferboard");
    let written: Vec<_> = files(root).into_iter().filter(|path| !before.contains(path)).collect();
    assert!(!written.is_empty() && written.iter().all(|path| path.starts_with(&data)), "{written:?}");
}

/// An image for two machines is an index of two manifests.
#[test]
fn an_image_of_two_platforms_names_both() {
    if !has("python3") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    // Static programs need no libraries of a machine that is not here: a header alone will do.
    let programs = [(62, "amd64"), (183, "arm64")].map(|(machine, name)| {
        let mut header = b"\x7fELF\x02\x01\x01".to_vec();
        header.resize(64, 0);
        header[18] = machine;
        let path = folder.path().join(name);
        fs::write(&path, header).expect("a program");
        path
    });
    let mut command = Command::new(repository().join("scripts/package"));
    command.args(["image", "--compression", "none", "--out"]).arg(folder.path());
    for program in &programs {
        command.arg("--program").arg(program);
    }
    let archive = PathBuf::from(succeeds(command).trim_end());
    let layout = folder.path().join("layout");
    unpack(&archive, &layout);
    let read = |path: &str| serde_json::from_slice::<Value>(&fs::read(layout.join(path)).expect(path)).expect("JSON");
    let top = &read("index.json")["manifests"][0];
    assert_eq!(top["mediaType"], "application/vnd.oci.image.index.v1+json");
    let index = read(&format!("blobs/{}", text(&top["digest"]).replace(':', "/")));
    let names: Vec<_> = list(&index["manifests"]).iter().map(|one| text(&one["platform"]["architecture"])).collect();
    assert_eq!(names, ["amd64", "arm64"]);
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
