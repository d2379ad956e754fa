"""Test that the check of Rust dependencies finds wrong arrows and licences."""

from pathlib import Path
from typing import Any

import pytest
from tools import layers


def package(name: str, *uses: str, kind: str | None = None, licence: str = "MIT") -> dict[str, Any]:
    dependencies = [{"name": used, "kind": kind, "req": "=1.0.0"} for used in uses]
    found = {"id": name, "name": name, "version": "1.0.0", "license": licence}
    return {**found, "dependencies": dependencies}


def workspace(*packages: dict[str, Any]) -> dict[str, Any]:
    members = [found["id"] for found in packages if found["name"].startswith("trine-")]
    return {"packages": list(packages), "workspace_members": members}


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (package("trine-types", "trine-rules"), "trine-types uses trine-rules"),
        (package("trine-rules", "trine-ledger"), "trine-rules uses trine-ledger"),
        (package("trine-node", "commonware-runtime"), "trine-node names commonware-runtime"),
        (package("trine-node", "trine-py", kind="build"), "trine-node uses trine-py"),
        (package("trine-other"), "no layer"),
        (package("other", licence="GPL-3.0"), "not permitted"),
        (package("other", licence=""), "not permitted"),
    ],
)
def test_breach_is_found(found: dict[str, Any], part: str) -> None:
    """Goal: each rule can fail. Method: a workspace of one package that breaks it."""
    breaches = layers.check(workspace(found))
    assert len(breaches) == 1
    assert part in breaches[0]


def test_library_versions_must_not_mix() -> None:
    """Goal: one pinned version. Method: two versions, and a requirement that is not exact."""
    first, second = package("commonware-codec"), package("commonware-storage")
    second["version"] = "2.0.0"
    user = package("trine-ledger", "commonware-codec")
    user["dependencies"][0]["req"] = "^1.0.0"
    breaches = layers.check(workspace(first, second, user))
    assert len(breaches) == 2
    assert any("one version" in breach for breach in breaches)
    assert any("does not pin" in breach for breach in breaches)


def test_permitted_arrows_pass() -> None:
    """Goal: no false alarm. Method: arrows downwards, and development ones anywhere."""
    found = layers.check(
        workspace(
            package("trine-node", "trine-consensus", "trine-types", "axum"),
            package("trine-ledger", "commonware-storage"),
            package("trine-rules", "trine-testkit", kind="dev"),
        )
    )
    assert found == []


@pytest.mark.parametrize(
    ("expression", "permitted"),
    [
        ("MIT", True),
        ("MIT/Apache-2.0", True),
        ("GPL-2.0 OR MIT", True),
        ("GPL-2.0 AND MIT", False),
        ("MIT OR GPL-2.0 AND ISC", True),
        ("(MIT OR GPL-2.0) AND ISC", True),
        ("(MIT OR ISC) AND GPL-2.0", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("MIT WITH something", False),
        ("(MIT", False),
        ("MIT)", False),
        ("MIT ISC", False),
        ("", False),
    ],
)
def test_licence_expressions(expression: str, permitted: bool) -> None:
    """Goal: SPDX expressions mean what they say. Method: and, or, brackets, broken ones."""
    assert layers.is_permitted(expression) is permitted


def test_this_workspace_keeps_its_layers() -> None:
    """Goal: the rules hold here. Method: check what cargo says about this workspace."""
    root = Path(__file__).resolve().parents[2]
    breaches = layers.check(layers.read_metadata(root))
    assert not breaches, "\n".join(breaches)
