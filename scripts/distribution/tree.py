"""A tree of files in memory, and as a tar archive that is the same for the same content."""
from __future__ import annotations

import dataclasses
import io
import os
import pathlib
import re
import subprocess
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file, a folder (`data` is None) or a link (`target` says where it leads)."""

    data: bytes | None = None
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    target: str | None = None


class Tree:
    """Files by their paths, which have no leading slash. The folders above a file are made with it."""

    def __init__(self):
        self.entries = {}

    def folder(self, path, mode=0o755, uid=0, gid=0):
        self._above(path)
        self.entries[path] = Entry(mode=mode, uid=uid, gid=gid)

    def file(self, path, data, mode=0o644, uid=0, gid=0):
        self._above(path)
        self.entries[path] = Entry(data.encode() if isinstance(data, str) else data, mode, uid, gid)

    def link(self, path, target):
        self._above(path)
        self.entries[path] = Entry(mode=0o777, target=target)

    def _above(self, path):
        folder = os.path.dirname(path)
        if folder and folder not in self.entries:
            self.folder(folder)

    def files(self):
        """The files alone: (path, bytes), in the order of their paths."""
        return [(path, entry.data) for path, entry in sorted(self.entries.items()) if entry.data is not None]

    def tar(self, prefix="", mtime=0):
        """The tree as an uncompressed tar archive, its names after `prefix`."""
        buffer = io.BytesIO()
        # PAX headers would add what is not needed; every path here fits into those of GNU tar.
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for path, entry in sorted(self.entries.items()):
                info = tarfile.TarInfo(prefix + path)
                info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, mtime
                info.uname = info.gname = "root" if entry.uid == 0 and entry.gid == 0 else ""
                if entry.target is not None:
                    info.type, info.linkname = tarfile.SYMTYPE, entry.target
                elif entry.data is None:
                    info.type = tarfile.DIRTYPE
                else:
                    info.size = len(entry.data)
                archive.addfile(info, io.BytesIO(entry.data) if entry.data is not None else None)
        return buffer.getvalue()


def version():
    # Python before 3.11 reads no TOML.
    return re.search(r'^\[workspace\.package\]\nversion = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]


def epoch():
    """The time of the newest change, in Unix seconds, which all files of a package carry."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    try:
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return 0


def revision():
    """The commit that is packaged; None where there is no git."""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
