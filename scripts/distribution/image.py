"""A container image as an OCI image layout in a tar archive, which `docker load`, podman, skopeo and crane read.

Source: the OCI image specification 1.1, image-layout.md, manifest.md and config.md."""
import datetime
import gzip
import hashlib
import json
import os
import pathlib

from distribution import elf
from distribution.tree import Tree

UID = 65532
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
DATA = "var/lib/inferboard"
# What NVIDIA's library needs, which its container runtime mounts.
GPU_LIBRARIES = ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1")

PASSWD = f"root:x:0:0:root:/:/sbin/nologin\ninferboard:x:{UID}:{UID}:Inferboard:/{DATA}:/sbin/nologin\n"
GROUP = f"root:x:0:\ninferboard:x:{UID}:\n"
OS_RELEASE = 'ID=inferboard\nID_LIKE=debian\nNAME="Inferboard"\nPRETTY_NAME="Inferboard {version}"\nVERSION_ID="{version}"\n'


def base(needs, version):
    """What the program needs: users, certificates, how names are resolved, the libraries that it links."""
    tree = Tree()
    tree.file("etc/passwd", PASSWD)
    tree.file("etc/group", GROUP)
    tree.file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    tree.file("etc/os-release", OS_RELEASE.format(version=version))
    tree.file("etc/ssl/certs/ca-certificates.crt", pathlib.Path(CERTIFICATES).read_bytes())
    tree.folder(DATA, 0o700, UID, UID)
    if needs.interpreter is None:
        return tree
    # NVIDIA's runtime mounts its library into Debian's folder where this file is.
    tree.file("etc/debian_version", "12\n")
    folder = f"usr/lib/{needs.libraries_of}/"
    wanted = elf.libraries(elf.dataclasses.replace(needs, needed=needs.needed + GPU_LIBRARIES))
    for name, path in wanted.items():
        tree.file(folder + name, pathlib.Path(path).read_bytes(), 0o755)
    # The folders of the interpreter lie in /usr, as Debian has them.
    top = needs.interpreter.split("/")[1]
    tree.link(top, f"usr/{top}")
    if top != "lib":
        tree.link("lib", "usr/lib")
    name = os.path.basename(needs.interpreter)
    loader = tree.entries[folder + name].data if folder + name in tree.entries else loader_of(needs)
    tree.file(f"usr{needs.interpreter}", loader, 0o755)
    return tree


def loader_of(needs):
    """The dynamic linker of this machine, or of the cross compiler."""
    places = [needs.interpreter, f"/usr/{needs.libraries_of}{needs.interpreter}"]
    places.append(f"/usr/{needs.libraries_of}/lib/{os.path.basename(needs.interpreter)}")
    path = next((place for place in places if os.path.isfile(place)), None)
    if path is None:
        raise FileNotFoundError(f"the dynamic linker is nowhere in {', '.join(places)}")
    return pathlib.Path(path).read_bytes()


class Layout:
    """The blobs of an image layout."""

    def __init__(self):
        self.tree = Tree()
        self.tree.file("oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}))

    def blob(self, media_type, data, **more):
        """Keeps a blob and returns its descriptor."""
        digest = hashlib.sha256(data).hexdigest()
        self.tree.file(f"blobs/sha256/{digest}", data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data), **more}

    def json(self, media_type, value, **more):
        return self.blob(media_type, json.dumps(value, sort_keys=True, separators=(",", ":")).encode(), **more)


def layer(layout, tree, mtime, level):
    """Adds a layer, compressed at this level; its descriptor and the digest of its uncompressed tar archive."""
    tar = tree.tar("", mtime)
    descriptor = layout.blob("application/vnd.oci.image.layer.v1.tar+gzip", gzip.compress(tar, level, mtime=0))
    return descriptor, "sha256:" + hashlib.sha256(tar).hexdigest()


def config(needs, labels, created, layers):
    """The configuration: how the program runs. `Healthcheck` is Docker's, which others ignore."""
    return {
        "architecture": needs.image,
        "os": "linux",
        "created": created,
        "config": {
            "User": f"{UID}:{UID}",
            "Entrypoint": ["/usr/bin/inferboard-server"],
            "Cmd": ["serve", "--listen", "0.0.0.0:7117", "--allow-open-network"],
            "Env": [
                "PATH=/usr/bin",
                "XDG_DATA_HOME=/var/lib",
                "NVIDIA_VISIBLE_DEVICES=all",
                "NVIDIA_DRIVER_CAPABILITIES=utility",
            ],
            "ExposedPorts": {"7117/tcp": {}},
            "Volumes": {f"/{DATA}": {}},
            "WorkingDir": f"/{DATA}",
            "StopSignal": "SIGTERM",
            "Labels": labels,
            "Healthcheck": {
                "Test": ["CMD", "/usr/bin/inferboard-server", "health"],
                "Interval": 30_000_000_000,
                "Timeout": 6_000_000_000,
                "StartPeriod": 60_000_000_000,
                "Retries": 3,
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]},
        "history": [{"created": created, "created_by": name} for name in ("scripts/package: base", "scripts/package: program")],
    }


def image(programs, version, revision, mtime, notices, licence, level):
    """The archive of an image for the platforms of `programs`, which are paths."""
    created = datetime.datetime.fromtimestamp(mtime, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        "org.opencontainers.image.title": "inferboard",
        "org.opencontainers.image.description": "The metrics tab for deployed models.",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.created": created,
    }
    if revision:
        labels["org.opencontainers.image.revision"] = revision
    layout, manifests = Layout(), []
    for path in programs:
        needs = elf.read(path)
        own = Tree()
        own.file("usr/bin/inferboard-server", pathlib.Path(path).read_bytes(), 0o755)
        own.file("usr/share/doc/inferboard/LICENSE", licence)
        own.file("usr/share/doc/inferboard/third-party-licenses.txt", notices)
        layers = [layer(layout, base(needs, version), mtime, level), layer(layout, own, mtime, level)]
        settings = layout.json("application/vnd.oci.image.config.v1+json", config(needs, labels, created, layers))
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": settings,
            "layers": [descriptor for descriptor, _ in layers],
            "annotations": labels,
        }
        platform = {"architecture": needs.image, "os": "linux"}
        manifests.append(layout.json(manifest["mediaType"], manifest, platform=platform))
    name = f"inferboard:{version}"
    top = manifests[0]
    if len(manifests) > 1:
        media_type = "application/vnd.oci.image.index.v1+json"
        top = layout.json(media_type, {"schemaVersion": 2, "mediaType": media_type, "manifests": manifests})
    else:
        # What `docker load` reads where it does not know layouts yet.
        blob = lambda descriptor: "blobs/" + descriptor["digest"].replace(":", "/")
        archive = [{"Config": blob(settings), "RepoTags": [name], "Layers": [blob(one) for one in manifest["layers"]]}]
        layout.tree.file("manifest.json", json.dumps(archive))
    names = {"org.opencontainers.image.ref.name": version, "io.containerd.image.name": f"docker.io/library/{name}"}
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{**top, "annotations": names}],
    }
    layout.tree.file("index.json", json.dumps(index))
    return layout.tree.tar("", mtime)
