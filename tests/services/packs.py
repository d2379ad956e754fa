"""Make court packs of the vectors, alter them, and run their verifier as a stranger does."""

import contextlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.services.certificates import VECTORS
from trine.client.verification import Trust
from trine.crypto.x509 import Certificate
from trine.services.evidence import pack
from trine.services.evidence.pack import format as form
from trine.services.evidence.timestamp import Authority, Imprint, Request, made_up_authority

NOW_MS = 1_800_000_100_000
"""A time after the blocks of the vectors."""
NAMES = ("vector.txt", "合同 <终版>.txt")
ALLOWED = ("cryptography", "cffi", "_cffi_backend", "pycparser", "gmalg")
"""What a stranger has installed."""
SECONDS_MAX = 60


@dataclass(frozen=True)
class Ran:
    """What a stranger's verifier printed."""

    status: int
    out: str

    @property
    def failed(self) -> list[str]:
        """The lines of steps that do not hold."""
        return [line for line in self.out.splitlines() if line.startswith("FAILED")]


def trust() -> Trust:
    """Read the trust file of the vectors."""
    return Trust.load(VECTORS / "trust.json")


def exhibits() -> list[pack.Exhibit]:
    """Two records, one of which needs a hand-over and a later block's certificate."""
    record = (VECTORS / "vector.txt").read_bytes()
    proofs = ("vector.receipt", "handed-over.receipt")
    return [
        pack.Exhibit(name, record, (VECTORS / proof).read_bytes())
        for name, proof in zip(NAMES, proofs, strict=True)
    ]


def tsa(kind: str = "p256") -> tuple[Authority, Certificate]:
    """Return an authority outside of the chain, and its root: always the same of a kind."""
    return _tsa(kind)


@cache
def _tsa(kind: str) -> tuple[Authority, Certificate]:
    return made_up_authority(kind, now_ms=NOW_MS, name="Court TSA")


def token(header: bytes, kind: str = "p256", *, at_ms: int = NOW_MS) -> bytes:
    """Have a header stamped."""
    algorithm = "sm3" if kind == "sm2" else "sha256"
    asked = Request(Imprint.of_data(header, algorithm), nonce=7)
    return tsa(kind)[0].answer(asked.to_der(), now_ms=at_ms, serial=1)


def blocks() -> list[pack.Block]:
    """Return the certified blocks of the exhibits."""
    return pack.blocks_of(pack.prove_all(exhibits(), trust(), pack.Keys()))


def stamps(kind: str = "p256") -> pack.Timestamps:
    """Return a timestamp over each block."""
    return pack.Timestamps([token(one.header, kind) for one in blocks()], [tsa(kind)[1]])


@cache
def made(language: str = "en") -> bytes:
    """Make the pack of the vectors."""
    given = pack.assemble(exhibits(), trust=trust(), timestamps=stamps(), language=language)
    return given.content


@cache
def bare() -> bytes:
    """Make the pack without timestamps."""
    none = pack.Timestamps()
    given = pack.assemble(exhibits(), trust=trust(), timestamps=none, without_timestamp=True)
    return given.content


def changed(data: bytes, changes: Mapping[str, bytes | None]) -> bytes:
    """Forge a pack: other members (nothing: without them) under a manifest that lists them."""
    members = form.read_zip(data)
    manifest = json.loads(members.pop(form.MANIFEST))
    for name, content in changes.items():
        if content is None:
            del members[name]
        else:
            members[name] = content
    kept = ("evidence", "language", "without_timestamp")
    return form.write_pack(members, {name: manifest[name] for name in kept})


def altered(data: bytes, name: str) -> bytes:
    """Flip one bit in the middle of a member, where it stands in the ZIP."""
    start = 0
    for one, content in form.read_zip(data).items():
        start += form.LOCAL_BYTES + len(one.encode())
        if one == name:
            break
        start += len(content)
    place = start + len(content) // 2
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def lonely(folder: Path) -> Path:
    """Make a folder that has what a stranger has installed, and nothing else."""
    site = folder / "site"
    site.mkdir(exist_ok=True)
    for name in ALLOWED:
        with contextlib.suppress(ModuleNotFoundError):
            found = Path(str(importlib.import_module(name).__file__))
            source = found.parent if found.name.startswith("__init__.") else found
            with contextlib.suppress(FileExistsError):
                os.symlink(source, site / source.name)
    return site


def alone(site: Path, code: str, *arguments: object) -> Ran:
    """Run Python code that sees the standard library and a folder of packages only."""
    start = f"import sys; sys.path.append({str(site)!r}); {code}"
    command = [sys.executable, "-I", "-S", "-c", start, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert "Traceback" not in done.stderr or "No module" in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout + done.stderr)


def verified_alone(folder: Path, case: Path, *options: object) -> Ran:
    """Take verify.py out of the release, and run it on a pack as a stranger does."""
    program = folder / "verify.py"
    program.write_bytes(pack.verifier())
    run = f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')"
    return alone(lonely(folder), run, case, *options)
