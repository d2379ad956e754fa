"""Run the stranger's verifier in a fresh environment, with the packages from their registry."""

import json
import subprocess
import venv
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.services import packs
from trine.services.evidence import pack

SECONDS_MAX = 300


class Stranger:
    """A Python with nothing in it but what is installed here."""

    def __init__(self, folder: Path) -> None:
        """Make the environment."""
        venv.create(folder, with_pip=True)
        self.python = folder / "bin" / "python"

    def run(self, *words: object) -> "subprocess.CompletedProcess[str]":
        """Run it, away from this checkout."""
        return subprocess.run(
            [self.python, "-I", *map(str, words)],
            cwd=self.python.parent,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
            env={"PATH": "/usr/bin:/bin"},
        )

    def install(self, *names: str) -> None:
        """Install packages in the versions that are here; skips where there is no registry."""
        wanted = [f"{name}=={version(name)}" for name in names]
        done = self.run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted)
        if done.returncode and "Connection" in done.stderr + done.stdout:
            pytest.skip("the packages cannot be fetched without a network")
        assert done.returncode == 0, done.stderr

    @property
    def packages(self) -> set[str]:
        """Names of what is installed."""
        done = self.run("-m", "pip", "list", "--format", "json", "--disable-pip-version-check")
        return {one["name"].lower() for one in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    made = Stranger(tmp_path_factory.mktemp("stranger") / "venv")
    made.install("cryptography")
    return made


def test_cryptography_is_enough(stranger: Stranger, tmp_path: Path) -> None:
    """Goal: the verifier runs where a stranger has one package.

    Method: a good pack, an altered one, and one with SM2, which says what package it needs more.
    """
    program = tmp_path / "verify.py"
    program.write_bytes(pack.verifier())
    assert stranger.packages <= {"pip", "setuptools", "cryptography", "cffi", "pycparser"}
    assert "No module named 'trine'" in stranger.run("-c", "import trine").stderr
    good, bad, chinese = (tmp_path / name for name in ("good.zip", "bad.zip", "sm2.zip"))
    good.write_bytes(packs.made())
    bad.write_bytes(packs.altered(packs.made(), "records/1-vector.txt"))
    stamps = packs.stamps("sm2")
    made = pack.assemble(packs.exhibits(), trust=packs.trust(), timestamps=stamps)
    chinese.write_bytes(made.content)
    done = stranger.run(program, good)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    done = stranger.run(program, bad)
    assert done.returncode == 1 and "FAILED  records/1-vector.txt" in done.stdout
    done = stranger.run(program, chinese)
    assert done.returncode == 1 and "gmalg" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    stranger.install("gmalg")
    done = stranger.run(program, chinese)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
