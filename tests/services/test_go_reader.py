"""Read logs with the Go project's packages for notes and tiles: a verifier that is not ours."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.services.logs import LocalLog
from tests.services.test_standard_log import PairedLog
from trine.services.evidence import note
from trine.services.evidence.standard import FOLDER

SOURCE = Path(__file__).parent / "go"
SECONDS_MAX = 300
SIZES = (1, 255, 256, 257, 600)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the reader; its modules come from the proxy, each with its digest in go.sum."""
    if shutil.which("go") is None:
        pytest.skip("no Go: https://go.dev/dl")
    folder = tmp_path_factory.mktemp("go")
    fetched = go("mod", "download")
    if fetched.returncode and "dial tcp" in fetched.stderr:
        pytest.skip("the modules of the reader cannot be fetched without a network")
    built = go("build", "-o", str(folder / "reader"), ".")
    assert built.returncode == 0, built.stderr
    return folder / "reader"


def go(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run the tool of Go in the folder of the reader."""
    return subprocess.run(
        ["go", *words],
        cwd=SOURCE,
        env={**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def read(reader: Path, folder: Path, key: note.VerifierKey) -> "subprocess.CompletedProcess[str]":
    """Read a log below a folder."""
    return subprocess.run(
        [reader, folder, str(key)],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def test_strangers_read_both_kinds_of_logs(reader: Path, tmp_path: Path) -> None:
    """Goal: logs of intl chains, and the standard logs of gm chains, are what C2SP says.

    Method: grow both over the edges of tiles; the reader checks note, tiles, entries and a proof
    for each entry.
    """
    usual, paired = LocalLog(tmp_path / "usual"), PairedLog(tmp_path / "paired")
    for size in SIZES:
        usual.grow([str(number) for number in range(usual.size, size)])
        usual.publish()
        paired.grow(size)
        paired.publish()
        for folder, key in (
            (usual.folder, usual.verifier),
            (paired.folder / FOLDER, paired.standard.verifier),
        ):
            done = read(reader, folder, key)
            assert (done.returncode, done.stdout) == (0, f"{size}\n"), done.stderr


@pytest.mark.parametrize(
    "name", ["checkpoint", "tile/0/000", "tile/1/000.p/2", "tile/entries/002.p/88"]
)
def test_strangers_notice_what_is_altered(reader: Path, tmp_path: Path, name: str) -> None:
    """Goal: the reader above is one that refuses. Method: one bit of each kind of file."""
    log = PairedLog(tmp_path)
    log.grow(600)
    log.publish()
    folder = log.folder / FOLDER
    content = bytearray((folder / name).read_bytes())
    content[40] ^= 1
    (folder / name).write_bytes(content)
    assert read(reader, folder, log.standard.verifier).returncode == 1


def test_an_sm3_log_is_not_for_strangers(reader: Path, tmp_path: Path) -> None:
    """Goal: why a gm chain needs the log beside it. Method: the reader at the SM3 log itself."""
    log = PairedLog(tmp_path)
    log.grow(3)
    log.publish()
    done = read(reader, log.folder, note.verifier_of(log.signer.checkpoint_key, log.signer.origin))
    assert done.returncode == 1 and "tile" in done.stderr
