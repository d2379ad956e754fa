"""Test that a string of a gigabyte costs no gigabyte: a process that may not have one reads it."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

GIGABYTE = 1 << 30
MEMORY_MAX = 512 * 1_024 * 1_024
"""Bytes of address space that the reader may use, the interpreter's own included."""
PIECE = 1 << 20
SECONDS_MAX = 120

READER = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_MAX}, {MEMORY_MAX}))
from pathlib import Path
from trine.apps.health.reading import read_file
from trine.errors import TrineError
try:
    list(read_file(Path(sys.argv[1])))
except TrineError as error:
    print(error.code)
"""


def offer(path: Path, start: bytes, sent: list[int]) -> None:
    """Write a string of a gigabyte into a pipe, as long as somebody reads."""
    try:
        with path.open("wb", buffering=0) as pipe:
            sent[0] += pipe.write(start)
            while sent[0] < GIGABYTE:
                sent[0] += pipe.write(b"x" * PIECE)
            sent[0] += pipe.write(b'"}\n')
    except BrokenPipeError:
        return


@pytest.mark.parametrize("name", ["bundle.json", "export.ndjson"])
@pytest.mark.parametrize(
    "start",
    [
        b'{"resourceType": "Patient", "id": "',
        b'{"resourceType": "Bundle", "entry": [{"fullUrl": "',
        b'{"',
    ],
)
def test_a_gigabyte_is_refused_in_little_memory(tmp_path: Path, name: str, start: bytes) -> None:
    """Goal: a coded refusal, and no more memory than the limits say.

    Method: a pipe offers the string without end; the process that reads has 512 MiB at most, so
    that it would die where it took it in. It stops to read long before the end.
    """
    path, sent = tmp_path / name, [0]
    os.mkfifo(path)
    writer = threading.Thread(target=offer, args=(path, start, sent))
    writer.start()
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    writer.join()
    assert (done.returncode, done.stdout) == (0, "resource_too_large\n"), done.stderr[-500:]
    assert sent[0] < GIGABYTE
