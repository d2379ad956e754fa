"""Make logs in folders without a chain, as a service writes them, and serve them."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from trine.crypto import SecretKey
from trine.services.evidence import note, tree
from trine.services.evidence.catalogue import Catalogue, Snapshot
from trine.services.evidence.checkpoint import Checkpoint, sign_checkpoint
from trine.services.evidence.objects import Folder
from trine.services.evidence.rows import About, name_digest
from trine.services.evidence.stored import StoredTree
from trine.types import Digest

ORIGIN = "log.example/7"
KEY = SecretKey("ed25519", bytes(range(32)))


def digest(*words: object) -> Digest:
    """Return some digest."""
    return Digest(tree.leaf_hashes("sha256", [repr(words).encode()])[0])


class LocalLog:
    """A log whose files lie in a folder, with an index."""

    def __init__(self, folder: Path, key: SecretKey = KEY) -> None:
        """Begin a log."""
        self.folder, self.key = folder, key
        self.objects = Folder(folder)
        self.tree = StoredTree("sha256", self.objects, "")
        self.catalogue = Catalogue("sha256", self.objects, "", 0)
        self.size = 0
        self.now_ms = 1_000

    @property
    def verifier(self) -> note.VerifierKey:
        """Key that verifies its checkpoints."""
        return note.verifier_of(self.key, ORIGIN)

    def grow(
        self,
        names: Sequence[str],
        issuers: Sequence[str] | None = None,
        kinds: Sequence[str] | None = None,
    ) -> None:
        """Append entries, each of an issuer and a content type."""
        entries = [digest("entry", name) for name in names]
        said = issuers or ["someone"] * len(entries)
        types = (
            [digest("type")] * len(entries)
            if kinds is None
            else [name_digest("sha256", kind) for kind in kinds]
        )
        about = [
            About(name_digest("sha256", issuer), kind, digest("content", name))
            for issuer, kind, name in zip(said, types, names, strict=True)
        ]
        self.tree.append(self.size, entries)
        self.catalogue.append(entries, about, self.now_ms)
        self.now_ms += 1_000
        self.size += len(entries)

    def publish(self, extensions: tuple[str, ...] | None = None) -> tuple[bytes, Snapshot]:
        """Sign a checkpoint and write it; returns it with the index."""
        index = self.catalogue.snapshot()
        lines = index.head.lines() if extensions is None else extensions
        made = Checkpoint(ORIGIN, self.size, self.tree.view(self.size).root(), lines)
        data = sign_checkpoint(made, self.key).encode()
        self.objects.write({"checkpoint": data})
        return data, index


@contextlib.contextmanager
def static_server(folder: Path) -> Iterator[str]:
    """Serve a folder with Python's own server; gives the URL."""
    words = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    process = subprocess.Popen(
        [*words, "--directory", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield line.rpartition("(")[2].rpartition("/)")[0]
    finally:
        process.terminate()
        process.communicate()
