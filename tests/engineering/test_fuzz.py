"""Test that the fuzz targets are complete, well fed, and read what the product reads."""

import re
import tomllib
from pathlib import Path

from tools import fuzz, fuzz_seeds

from tests.engineering.documents import ROOT

LOCK = '[[package]]\nname = "bytes"\nversion = "{}"\n'


def test_every_target_is_built_and_has_seeds() -> None:
    """Goal: no target is forgotten. Method: compare files, manifest, seeds and the table."""
    manifest = tomllib.loads((fuzz.FUZZ / "Cargo.toml").read_text(encoding="utf-8"))
    assert sorted(one["name"] for one in manifest["bin"]) == fuzz.targets()
    assert {one["name"] for one in manifest["bin"] if "required-features" in one} == fuzz.ENGINE
    assert sorted(fuzz_seeds.seeds()) == fuzz.targets()
    assert all(fuzz_seeds.seeds().values())
    table = (fuzz.FUZZ / "targets" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)`", table, re.M) == fuzz.targets()


def test_targets_are_built_from_the_products_libraries() -> None:
    """Goal: what is fuzzed is what runs. Method: compare the lock files, and one that differs."""
    product, fuzzing = (
        Path(folder, "Cargo.lock").read_text(encoding="utf-8") for folder in (ROOT, fuzz.FUZZ)
    )
    assert fuzz.disagreements(product, fuzzing) == []
    found = fuzz.disagreements(LOCK.format("1.0.0"), LOCK.format("1.0.1"))
    assert found == ["bytes: the targets lock 1.0.1, the product 1.0.0"]


def test_a_run_is_summed_up() -> None:
    """Goal: the line says what was reached. Method: output as libFuzzer writes it, and none."""
    output = (
        "#8 INITED cov: 20 ft: 21 corp: 1/1b\n#99 DONE cov: 93 ft: 279 corp: 44/1b\n"
        "stat::number_of_executed_units: 636688\nstat::average_exec_per_sec:     106114\n"
    )
    told = fuzz.Run("account", True, output).told()
    assert re.sub(" +", " ", told) == (
        "account good 636,688 runs 106,114/s 93 edges 279 features 44 inputs"
    )
    assert "FAILED" in fuzz.Run("account", False, "").told()
