"""What a release says about itself: a bill of materials (SPDX 2.3) and an unsigned provenance statement (SLSA 1.0)."""
import datetime
import hashlib
import json
import platform
import re
import subprocess

from distribution import notices
from distribution.tree import ROOT

# A crate of the lock file that comes from a registry.
LOCKED = re.compile(r'^name = "(.*)"\nversion = "(.*)"\nsource = ".*"\nchecksum = "(.*)"$', re.MULTILINE)


def time(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def spdx_id(package):
    return "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-", f"{package['name']}-{package['version']}")


def licence(package):
    """An SPDX expression; crates of old separate alternatives with a slash."""
    return (package["license"] or "NOASSERTION").replace(" / ", " OR ").replace("/", " OR ")


def bill_of_materials(target, version, mtime):
    """Every crate that is compiled into the program for `target`, and who needs it.

    Source: SPDX 2.3, https://spdx.github.io/spdx-spec/v2.3/"""
    found, depends, roots = notices.packages(target)
    locked = LOCKED.findall((ROOT / "Cargo.lock").read_text())
    sums = {(name, version): checksum for name, version, checksum in locked}
    packages, relations = [], []
    for own, package in found.items():
        is_own = not package["source"]
        entry = {
            "SPDXID": spdx_id(package),
            "name": package["name"],
            "versionInfo": package["version"],
            "downloadLocation": "NOASSERTION" if is_own else
            f"https://crates.io/api/v1/crates/{package['name']}/{package['version']}/download",
            "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": licence(package),
            "copyrightText": "NOASSERTION",
        }
        if not is_own:
            locator = f"pkg:cargo/{package['name']}@{package['version']}"
            entry["externalRefs"] = [
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}
            ]
        checksum = sums.get((package["name"], package["version"]))
        if checksum:
            entry["checksums"] = [{"algorithm": "SHA256", "checksumValue": checksum}]
        packages.append(entry)
        for used in depends[own]:
            relations.append((spdx_id(package), "DEPENDS_ON", spdx_id(found[used])))
    relations += [("SPDXRef-DOCUMENT", "DESCRIBES", spdx_id(found[root])) for root in roots]
    name = f"inferboard-server-{version}-{target}"
    identity = sha256(json.dumps([packages, sorted(relations)]).encode())
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{name}-{identity[:32]}",
        "creationInfo": {"created": time(mtime), "creators": ["Tool: inferboard-scripts-release"]},
        "packages": packages,
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in sorted(set(relations))
        ],
    }


def provenance(artifacts, version, revision, targets, began, ended):
    """How the files were made, as far as this machine knows. `artifacts` are (name, bytes). A workflow signs it.

    Source: in-toto Statement 1 and SLSA provenance 1.0, https://slsa.dev/spec/v1.0/provenance"""
    inputs = [("Cargo.lock", "file:Cargo.lock"), ("rust-toolchain.toml", "file:rust-toolchain.toml")]
    materials = [{"uri": uri, "digest": {"sha256": sha256((ROOT / name).read_bytes())}} for name, uri in inputs]
    if revision:
        materials.insert(0, {"uri": "git+file:.", "digest": {"gitCommit": revision}})
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": sha256(data)}} for name, data in artifacts],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://inferboard.invalid/scripts-release/v1",
                "externalParameters": {"version": version, "targets": sorted(targets)},
                "internalParameters": {"rustc": tool("rustc"), "cargo": tool("cargo"), "hasChanges": has_changes()},
                "resolvedDependencies": materials,
            },
            "runDetails": {
                "builder": {"id": f"https://inferboard.invalid/local/{platform.system()}-{platform.machine()}"},
                "metadata": {"startedOn": time(began), "finishedOn": time(ended)},
            },
        },
    }


def tool(name):
    command = [name, "--version"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def has_changes():
    """Whether files differ from the commit; None where there is no git."""
    command = ["git", "-C", str(ROOT), "status", "--porcelain"]
    try:
        return bool(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    except (OSError, subprocess.CalledProcessError):
        return None
