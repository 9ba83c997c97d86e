"""The licences of everything that is compiled into the program."""
import json
import pathlib
import re
import subprocess

from distribution.tree import ROOT

NAMES = re.compile(r"^(licen[cs]e|copying|notice|unlicense)", re.IGNORECASE)
MAX_BYTES = 1 << 18


def packages(target):
    """What the program for `target` is made of, the page in it included: the packages by id, which of them each one uses, and
    the ids of the program and the page."""
    found, depends, roots = {}, {}, []
    for name, platform in (("inferboard-server", target), ("inferboard", "wasm32-unknown-unknown")):
        # Everything has been fetched by the build.
        command = ["cargo", "metadata", "--format-version=1", "--locked", "--offline", f"--filter-platform={platform}"]
        printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        metadata = json.loads(printed)
        by_id = {package["id"]: package for package in metadata["packages"]}
        nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
        root = next(own for own, package in by_id.items() if package["name"] == name and not package["source"])
        roots.append(root)
        seen, wanted = set(), [root]
        while wanted:
            own = wanted.pop()
            if own in seen:
                continue
            seen.add(own)
            # Of the kinds of dependencies, those of tests and of build scripts are not in the program.
            used = [one["pkg"] for one in nodes[own]["deps"] if any(kind["kind"] is None for kind in one["dep_kinds"])]
            found[own] = by_id[own]
            depends.setdefault(own, set()).update(used)
            wanted += used
    return dict(sorted(found.items())), {own: sorted(used) for own, used in depends.items()}, roots


def text(target):
    """The licences with their texts, each text once."""
    found, _, _ = packages(target)
    texts, lines = {}, ["What is compiled into inferboard-server, with its licences.", ""]
    for package in sorted(found.values(), key=lambda package: (package["name"], package["version"])):
        if not package["source"]:
            continue
        lines.append(f"{package['name']} {package['version']}: {package['license'] or 'see its texts'}")
        folder = pathlib.Path(package["manifest_path"]).parent
        for file in sorted(folder.iterdir()) if folder.is_dir() else []:
            if NAMES.match(file.name) and file.is_file() and file.stat().st_size <= MAX_BYTES:
                body = file.read_text(errors="replace").replace("\r\n", "\n").strip()
                texts.setdefault(body, []).append(f"{package['name']} {package['version']}")
    for body, users in texts.items():
        lines += ["", "-" * 80, ", ".join(users), "", body]
    return "\n".join(lines) + "\n"
