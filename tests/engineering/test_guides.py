"""Run the commands of the README and of the guides, in order, each page in a fresh home."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engineering.documents import GUIDES, ROOT, blocks

PAGE_SECONDS_MAX = 240
# Programs that a page needs beyond those of the project.
NEEDED = {"hardware-keys": "softhsm2-util", "four-hosts": "ip"}
# Network namespaces and the bridge between them, which a page makes as root.
HOSTS = ("city", "harbour", "university", "court", "bank")
BRIDGE = "trine-lan"

pytestmark = pytest.mark.network


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """An empty folder to work in and the environment of a newcomer; networks end with it."""
    command = ROOT / ".venv" / "bin" / "trine"
    if not command.exists():
        pytest.fail("the command `trine` is not built: run `make build`")
    folder = tmp_path / "work"
    folder.mkdir()
    path = f"{command.parent}:{os.environ['PATH']}"
    passed = {name: value for name, value in os.environ.items() if not name.startswith("TRINE_")}
    environment = {**passed, "PATH": path, "TRINE_HOME": str(tmp_path / "home")}
    yield folder, environment
    homes = {found.parent for found in tmp_path.glob("**/network.json")}
    for home in homes:
        subprocess.run([command, "down", "--home", home], env=environment, check=False)


def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a script that stops at its first error; give what it printed."""
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PAGE_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        printed = (late.stdout or b"").decode(errors="replace")
        pytest.fail(f"{script}\n--- printed until its time was over:\n{printed}")
    assert done.returncode == 0, f"{script}\n--- printed:\n{done.stdout}"
    return done.stdout


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_guide_works_as_pasted(guide: Path, place: tuple[Path, dict[str, str]]) -> None:
    """Goal: nobody is told a wrong command. Method: paste all blocks of a page into one shell."""
    topic = guide.name.partition(".")[0]
    scripts = blocks(guide.read_text(encoding="utf-8"), "sh")
    assert scripts
    original = guide.with_name(f"{topic}.md")
    if guide != original and scripts == blocks(original.read_text(encoding="utf-8"), "sh"):
        return  # A translation: the commands run where the original does.
    needed = NEEDED.get(topic)
    if needed and not shutil.which(needed) and not os.environ.get("CI"):
        pytest.skip(f"{needed} is missing: install its package")
    if topic == "four-hosts" and os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip("only root makes network namespaces")
    try:
        printed = run("".join(scripts), *place)
    finally:
        if topic == "four-hosts":
            _remove_hosts()
    refusals = sum(script.count('|| echo "exit status $?"') for script in scripts)
    assert printed.count("exit status 1") == refusals


def _remove_hosts() -> None:
    """Remove what a page that ended halfway has left: hosts with all that runs there."""
    for host in HOSTS:
        found = subprocess.run(["ip", "netns", "pids", host], capture_output=True, check=False)
        for pid in found.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        subprocess.run(["ip", "netns", "delete", host], capture_output=True, check=False)
    subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True, check=False)


def test_readme_works_as_pasted(place: tuple[Path, dict[str, str]]) -> None:
    """Goal: the first screen is true. Method: `make up`, then its example beside the documents.

    `make test` is left out: this test is part of it.
    """
    folder, environment = place
    first, *rest = blocks((ROOT / "README.md").read_text(encoding="utf-8"), "sh")
    started = [line for line in first.splitlines() if not line.startswith("make test")]
    assert started
    run("\n".join(started), ROOT, environment)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    shutil.copytree(ROOT / "docs", folder / "docs")
    run("".join(rest), folder, environment)
    run("\n".join(started), ROOT, environment)
    (folder / "contract.pdf").write_bytes(b"%PDF-1.7 a contract")
    (example,) = blocks((ROOT / "README.md").read_text(encoding="utf-8"), "python")
    (folder / "example.py").write_text(example, encoding="utf-8")
    assert int(run("python example.py", folder, environment)) > 0
    changed = (folder / "docs" / "index.md").read_bytes() + b"!"
    (folder / "docs" / "index.md").write_bytes(changed)
    verify = next(line for line in rest[0].splitlines() if "evidence verify" in line)
    refused = run(f'PATH="$PWD/.venv/bin:$PATH"; {verify} || echo "exit status $?"', *place)
    assert "exit status 1" in refused
