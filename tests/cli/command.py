"""Run `trine` as a process and look at what it leaves behind."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.suite import SUITE

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 120


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def code(self) -> str:
        """Code of the error, with --json."""
        found = self.document["error"]["code"]
        assert isinstance(found, str)
        return found


def trine(
    *words: str | Path,
    cwd: Path | None = None,
    seconds_max: float = SECONDS_MAX,
    **variables: str,
) -> Ended:
    """Run a command without a terminal; never may it print a traceback.

    A network is one of the suite that is tested.
    """
    if words[0] == "up" and "--suite" not in words:
        words = (*words, "--suite", SUITE)
    kept = ("PATH", "HOME", "LANG", "SYSTEMROOT")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "trine", *map(str, words)],
        cwd=cwd or ROOT,
        env={**environment, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds_max,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)
