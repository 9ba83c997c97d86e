"""A Debian package: an `ar` archive with control files and the tree that is installed. Source: deb(5)."""
import email.utils
import gzip
import hashlib
import lzma
import math
import os

from distribution.tree import ROOT, Tree

UNIT = "inferboard.service"

# What debhelper writes for a unit and its user, see dh_installsystemd(1) and dh_installsysusers(1): an administrator's
# choice to disable the service survives an upgrade, and nothing is started where no systemd runs.
POSTINST = f"""#!/bin/sh
set -e
case "$1" in
configure | abort-upgrade | abort-deconfigure | abort-remove)
	if command -v systemd-sysusers >/dev/null; then
		systemd-sysusers ${{DPKG_ROOT:+--root="$DPKG_ROOT"}} inferboard.conf
	fi
	if command -v deb-systemd-helper >/dev/null; then
		deb-systemd-helper unmask {UNIT} >/dev/null || true
		if deb-systemd-helper --quiet was-enabled {UNIT}; then
			deb-systemd-helper enable {UNIT} >/dev/null || true
		else
			deb-systemd-helper update-state {UNIT} >/dev/null || true
		fi
	fi
	if [ -z "${{DPKG_ROOT:-}}" ] && [ -d /run/systemd/system ]; then
		systemctl --system daemon-reload >/dev/null || true
		if [ -n "${{2:-}}" ]; then action=restart; else action=start; fi
		deb-systemd-invoke "$action" {UNIT} >/dev/null || true
	fi
	;;
esac
"""

PRERM = f"""#!/bin/sh
set -e
if [ -z "${{DPKG_ROOT:-}}" ] && [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	deb-systemd-invoke stop {UNIT} >/dev/null || true
fi
"""

POSTRM = f"""#!/bin/sh
set -e
if [ -z "${{DPKG_ROOT:-}}" ] && [ -d /run/systemd/system ]; then
	systemctl --system daemon-reload >/dev/null || true
fi
if command -v deb-systemd-helper >/dev/null; then
	case "$1" in
	remove) deb-systemd-helper mask {UNIT} >/dev/null || true ;;
	purge)
		deb-systemd-helper purge {UNIT} >/dev/null || true
		deb-systemd-helper unmask {UNIT} >/dev/null || true
		;;
	esac
fi
if [ "$1" = purge ]; then
	rm -rf "${{DPKG_ROOT:-}}/var/lib/inferboard"
fi
"""

COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Inferboard

Files: *
Copyright: 2026, the authors of Inferboard
License: Apache-2.0
 On Debian systems, the text of this licence is in /usr/share/common-licenses/Apache-2.0.
Comment: what is compiled in has its licences in third-party-licenses.txt.
"""


CHANGELOG = """inferboard ({version}) unstable; urgency=medium

  * What is new is in CHANGELOG.md.gz.

 -- {maintainer}  {date}
"""


def maintainer():
    return os.environ.get("DEB_MAINTAINER", "Inferboard <packages@inferboard.invalid>")


def installed(program, files, notices, version, mtime):
    """The tree of the package. `files` are those that the program writes for packages."""
    tree = Tree()
    tree.file("usr/bin/inferboard-server", program, 0o755)
    for path, data in files.items():
        if path.startswith("usr/share/man/"):
            # Policy 12.1: manual pages are compressed, without a time of their own.
            path, data = path + ".gz", gzip.compress(data, 9, mtime=0)
        tree.file(path, data)
    doc = "usr/share/doc/inferboard/"
    tree.file(doc + "copyright", COPYRIGHT)
    tree.file(doc + "third-party-licenses.txt.gz", gzip.compress(notices.encode(), 9, mtime=0))
    changes = CHANGELOG.format(version=version, maintainer=maintainer(), date=email.utils.formatdate(mtime))
    tree.file(doc + "changelog.gz", gzip.compress(changes.encode(), 9, mtime=0))
    tree.file(doc + "CHANGELOG.md.gz", gzip.compress((ROOT / "CHANGELOG.md").read_bytes(), 9, mtime=0))
    for name in sorted(os.listdir(ROOT / "docs")):
        if name.endswith((".md", ".yaml")):
            tree.file(doc + name, (ROOT / "docs" / name).read_bytes())
    return tree


def control(tree, needs, version):
    """The control files of a package with this tree, of a program that `needs` this of the system."""
    size_kib = sum(math.ceil(len(data) / 1024) for _, data in tree.files())
    depends = f"Depends: libc6 (>= {needs.glibc[0]}.{needs.glibc[1]}), libgcc-s1\n" if needs.interpreter else ""
    own = Tree()
    own.file("control", f"""Package: inferboard
Version: {version}
Architecture: {needs.debian}
Maintainer: {maintainer()}
Installed-Size: {size_kib}
{depends}Recommends: ca-certificates, systemd
Section: admin
Priority: optional
Description: metrics tab for deployed models
 Collects metrics of inference servers such as vLLM, SGLang and TGI, of NVIDIA
 GPUs and of the machine, keeps their history, and shows them on a page. After
 the installation it is at http://127.0.0.1:7117/ on the machine itself.
""")
    conffiles = [f"/{path}\n" for path, _ in tree.files() if path.startswith("etc/")]
    own.file("conffiles", "".join(conffiles))
    sums = [f"{hashlib.md5(data).hexdigest()}  {path}\n" for path, data in tree.files() if not path.startswith("etc/")]
    own.file("md5sums", "".join(sums))
    for name, script in (("postinst", POSTINST), ("prerm", PRERM), ("postrm", POSTRM)):
        own.file(name, script, 0o755)
    return own


def package(tree, control_tree, mtime, is_compressed):
    """The bytes of the package."""
    def compressed(data):
        return lzma.compress(data, preset=6) if is_compressed else data

    ending = ".xz" if is_compressed else ""
    members = [
        ("debian-binary", b"2.0\n"),
        ("control.tar" + ending, compressed(control_tree.tar("./", mtime))),
        ("data.tar" + ending, compressed(tree.tar("./", mtime))),
    ]
    out = bytearray(b"!<arch>\n")
    for name, data in members:
        out += f"{name:<16}{mtime:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
        out += data + b"\n" * (len(data) % 2)
    return bytes(out)
