"""Check the dependencies of the Rust crates: layers, who names the BFT library, licences.

Run as `python -m tools.layers` in the root of the checkout; exits 1 when a rule is broken.
Development dependencies are left out of the layers: a test may compare with anything.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# What each crate may use; a crate that is not named here may not exist.
MAY_USE: dict[str, frozenset[str]] = {
    "bulk": frozenset(),
    "crypto": frozenset({"bulk"}),
    "token": frozenset({"crypto"}),
    "types": frozenset({"crypto"}),
    "rules": frozenset({"crypto", "types"}),
    "verify": frozenset({"crypto", "types"}),
    "testkit": frozenset({"crypto", "types"}),
    "ledger": frozenset({"crypto", "types", "verify"}),
    "runtime": frozenset(),
    "consensus": frozenset({"crypto", "types", "verify", "ledger", "runtime"}),
    "node": frozenset({"crypto", "token", "types", "ledger", "consensus", "rules", "verify"}),
    "bench": frozenset({"bulk", "crypto", "types", "rules", "verify", "ledger", "runtime", "node"}),
    # The test kit: the readable model is compared with the rules through the extension.
    "py": frozenset({"crypto", "token", "types", "rules", "verify", "node", "bench", "testkit"}),
}
# Crates that may name the library; everything else sees only their interfaces. `bench` measures it.
MAY_NAME_LIBRARY = frozenset({"bench", "crypto", "ledger", "runtime", "consensus"})
LIBRARY = "commonware-"
PREFIX = "trine-"

LICENCES = frozenset(
    {
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BlueOak-1.0.0",
        "BSD-1-Clause",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "CDLA-Permissive-2.0",
        "ISC",
        "MIT",
        "MIT-0",
        "NCSA",
        "Unicode-3.0",
        "Unlicense",
        "Zlib",
    }
)

Metadata = dict[str, Any]


def is_permitted(expression: str) -> bool:
    """Whether one choice that an SPDX expression offers needs permitted licences only.

    Args:
        expression: Licence expression of a package; `/` stands for `OR`, as old packages write.
    """
    text = expression.replace("/", " OR ")
    tokens = re.findall(r"\(|\)|[^\s()]+(?: WITH [^\s()]+)?", text)
    verdict, rest = _either(tokens)
    return verdict and not rest


def _either(tokens: list[str]) -> tuple[bool, list[str]]:
    verdict, tokens = _both(tokens)
    while tokens and tokens[0] == "OR":
        other, tokens = _both(tokens[1:])
        verdict = verdict or other
    return verdict, tokens


def _both(tokens: list[str]) -> tuple[bool, list[str]]:
    verdict, tokens = _one(tokens)
    while tokens and tokens[0] == "AND":
        other, tokens = _one(tokens[1:])
        verdict = verdict and other
    return verdict, tokens


def _one(tokens: list[str]) -> tuple[bool, list[str]]:
    if tokens and tokens[0] == "(":
        verdict, rest = _either(tokens[1:])
        return verdict and rest[:1] == [")"], rest[1:]
    return bool(tokens) and tokens[0] in LICENCES, tokens[1:]


def layer_breaches(metadata: Metadata) -> Iterator[str]:
    """Arrows between the workspace's crates that `MAY_USE` does not have."""
    members = set(metadata["workspace_members"])
    for package in metadata["packages"]:
        if package["id"] not in members:
            continue
        crate = package["name"].removeprefix(PREFIX)
        if crate not in MAY_USE:
            yield f"{package['name']}: no layer; give it a place in MAY_USE"
            continue
        for dependency in package["dependencies"]:
            used = dependency["name"]
            if dependency["kind"] == "dev":
                continue
            if used.startswith(PREFIX) and used.removeprefix(PREFIX) not in MAY_USE[crate]:
                allowed = ", ".join(sorted(MAY_USE[crate])) or "none"
                yield f"{package['name']} uses {used}; it may use: {allowed}"
            if used.startswith(LIBRARY) and crate not in MAY_NAME_LIBRARY:
                named = ", ".join(sorted(MAY_NAME_LIBRARY))
                yield f"{package['name']} names {used}; only these may: {named}"


def licence_breaches(metadata: Metadata) -> Iterator[str]:
    """Packages whose licence is missing or not in `LICENCES`."""
    for package in metadata["packages"]:
        licence = package["license"] or ""
        if not is_permitted(licence):
            yield f"{package['name']} {package['version']}: licence `{licence}` is not permitted"


def library_breaches(metadata: Metadata) -> Iterator[str]:
    """Versions of the library that are mixed, or requirements that do not pin one."""
    versions = {
        package["version"]
        for package in metadata["packages"]
        if package["name"].startswith(LIBRARY)
    }
    if len(versions) > 1:
        yield f"{LIBRARY}* in versions {', '.join(sorted(versions))}; one version only"
    members = set(metadata["workspace_members"])
    for package in metadata["packages"]:
        for dependency in package["dependencies"]:
            is_library = dependency["name"].startswith(LIBRARY)
            if package["id"] in members and is_library and not dependency["req"].startswith("="):
                yield f"{package['name']} does not pin {dependency['name']} exactly"


def check(metadata: Metadata) -> list[str]:
    """Apply every rule to what `cargo metadata` says."""
    return sorted(
        {
            *layer_breaches(metadata),
            *licence_breaches(metadata),
            *library_breaches(metadata),
        }
    )


def read_metadata(root: Path) -> Metadata:
    """Ask cargo about the workspace and everything that it uses.

    Raises:
        CalledProcessError: The lock file does not fit the manifests, or cargo is missing.
    """
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    answer = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout
    metadata: Metadata = json.loads(answer)
    return metadata


def main() -> int:
    """Check the workspace that holds this file; print breaches and their number."""
    root = Path(__file__).resolve().parent.parent
    metadata = read_metadata(root)
    breaches = check(metadata)
    # The fuzz targets use no more than the crates may, and a licence holds for tools as well.
    breaches += licence_breaches(read_metadata(root / "fuzz"))
    for breach in breaches:
        print(breach)
    print(f"layers: {len(metadata['packages'])} packages, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
