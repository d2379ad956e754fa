"""Test the SHA-256 log beside an SM3 log: others verify it, it heals, and lies are noticed."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest
import scitt_cose
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.command import trine
from tests.services.hostile import flipped
from tests.services.logs import KEY, ORIGIN, digest, static_server
from trine.crypto import SecretKey, public_key_to_pem
from trine.errors import TrineError
from trine.errors.services import (
    BadNote,
    LogDiffers,
    LogForked,
    LogShrank,
    TileDiffers,
)
from trine.services.evidence import note, receipt, statement, tree
from trine.services.evidence.catalogue import Catalogue
from trine.services.evidence.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from trine.services.evidence.monitor import Monitor, State
from trine.services.evidence.objects import Folder
from trine.services.evidence.publishing import Publisher
from trine.services.evidence.rows import About
from trine.services.evidence.source import HttpSource
from trine.services.evidence.standard import (
    ANCHOR_TYPE,
    FOLDER,
    Beside,
    StandardLog,
    StandardSigner,
)
from trine.services.evidence.stored import StoredTree
from trine.types import Digest

PREFIX = "logs/7/"
SERVICE = "https://log.example"
SIGNER = SecretKey("p256", bytes(range(1, 33)))
SIZES = (1, 255, 256, 257, 600)
HELD = [
    "8f1925d1920de5ccad37e0da6caec96798673a4a3529eb6bbeba2bb07a63a5d9",
    "9478e51c8c5b2ce0678d05aea4de4c0a1dd65ed506c094c43252885d48285c01",
]
"""SHA-256 of a checkpoint of the standard log, and of a receipt of it."""


class PairedLog:
    """An SM3 log in a folder, with an index and the SHA-256 log beside it."""

    def __init__(self, folder: Path, *, anchor_s: float = 0.0) -> None:
        """Begin, or go on with the first `size` entries of `entries`."""
        self.folder = folder / PREFIX
        self.objects = Folder(folder)
        self.main = StoredTree("sm3", self.objects, PREFIX)
        self.catalogue = Catalogue("sm3", self.objects, PREFIX, 0)
        self.entries: list[Digest] = []
        self.anchor_s = anchor_s
        self.signer = StandardSigner(SIGNER, SERVICE, "chain/log#sha256", KEY, ORIGIN)
        self.standard = self.opened()

    def opened(self) -> StandardLog:
        """Open the standard log as a start does."""
        size = len(self.entries)
        return StandardLog(
            self.objects, PREFIX, "sm3", size, signer=self.signer, anchor_s=self.anchor_s
        )

    def grow(self, stop: int, word: str = "honest") -> None:
        """Append entries up to a size, to the log of the chain and to the one beside it."""
        first = len(self.entries)
        entries = [digest(word, number) for number in range(first, stop)]
        self.main.append(first, entries)
        about = [About(digest("issuer"), digest("type"), entry) for entry in entries]
        self.catalogue.append(entries, about, 1_000 + first)
        self.standard.follow(first, entries)
        self.entries += entries

    def publish(self, *lines: str, own: bool = True) -> Beside:
        """Publish both checkpoints; `lines` in the place of the one that names the standard log."""
        size = len(self.entries)
        root = self.main.view(size).root()
        if own:
            self.beside = self.standard.publish(size, root)
        index = self.catalogue.snapshot().head.lines()
        made = Checkpoint(ORIGIN, size, root, (*index, *(lines or (self.beside.line(),))))
        data = sign_checkpoint(made, KEY).encode()
        self.objects.write({f"{PREFIX}checkpoint": data})
        return self.beside

    def root(self) -> Digest:
        """Root of the standard log, from the entries alone."""
        leaves = tree.leaf_hashes("sha256", self.entries)
        return tree.Frontier("sha256").extend(leaves).root()

    def watch(self, state: State | None = None) -> Monitor:
        """Make a monitor that reads the files of the folder."""
        return Monitor(_Files(self.folder), VERIFIER, function="sm3", state=state)


VERIFIER = note.verifier_of(KEY, ORIGIN)


class _Files:
    """The files of a log, read without a server."""

    parallel = 2

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str, bytes_max: int) -> bytes | None:
        place = self._folder / path
        return place.read_bytes()[:bytes_max] if place.is_file() else None


@given(counts=st.lists(st.integers(1, 400), min_size=1, max_size=5), lost=st.integers(0, 5))
@settings(deadline=None, max_examples=25)
def test_it_has_the_entries_however_it_grew(counts: list[int], lost: int) -> None:
    """Goal: both logs have the same entries after any batches and any loss.

    Method: append in random batches; before one of them lose the whole folder, after it be told
    of the same batch again; compare with the hashes of the entries alone.
    """
    with tempfile.TemporaryDirectory() as path:
        log = PairedLog(Path(path))
        for number, count in enumerate(counts):
            before = len(log.entries)
            if number == lost:
                shutil.rmtree(log.folder / FOLDER, ignore_errors=True)
                log.standard = log.opened()
                assert log.standard.size == 0
            log.grow(before + count)
            log.standard.follow(before, log.entries[before:])
            again = log.opened()
            assert again.size == log.standard.size == before + count
            assert again.tree.view(before + count).root() == log.root()


def test_an_older_log_gets_one_at_the_start(tmp_path: Path) -> None:
    """Goal: a service that is updated makes what is missing. Method: entries, then a start."""
    log = PairedLog(tmp_path)
    log.grow(70_000)
    shutil.rmtree(log.folder / FOLDER)
    begun = log.opened()
    begun.catch_up(len(log.entries))
    assert begun.tree.view(70_000).root() == log.root()
    (log.folder / "tile/entries/100").unlink()
    shutil.rmtree(log.folder / FOLDER)
    with pytest.raises(TrineError, match="tile/entries/100 is missing"):
        log.opened().catch_up(len(log.entries))


def test_scitt_cose_verifies_standard_receipts(tmp_path: Path) -> None:
    """Goal: a receipt of a gm chain's entry that programs of others verify.

    Method: scitt-cose with the P-256 key, each entry of a log, and a wrong one; our own reader
    knows by which function the entry is made.
    """
    log = PairedLog(tmp_path)
    log.grow(13)
    log.standard.sign(13)
    assert log.standard.signed is not None
    view, signed = log.standard.signed
    pem = public_key_to_pem("p256", SIGNER.public_key)
    for index, entry in enumerate(log.entries):
        data = receipt.receipt_for(signed, index, view.inclusion_path(index))
        found = scitt_cose.verify_receipt(data, leaf_entry_hex=entry.hex(), log_public_key_pem=pem)
        assert found.ok, found.errors
        assert (found.root, found.tree_size, found.issuer) == (log.root().hex(), 13, SERVICE)
        other = digest("other").hex()
        assert not scitt_cose.verify_receipt(data, leaf_entry_hex=other, log_public_key_pem=pem).ok
        read = receipt.read_receipt(data)
        assert (read.function, read.entry_function) == ("sha256", "sm3")
        assert receipt.verify_inclusion(read, entry, log.standard.key) == signed.head


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    """Goal: nothing in a standard receipt can change. Method: flip each bit of one."""
    log = PairedLog(tmp_path)
    log.grow(3)
    log.standard.sign(3)
    assert log.standard.signed is not None
    view, head = log.standard.signed
    data = receipt.receipt_for(head, 1, view.inclusion_path(1))
    receipt.verify_inclusion(receipt.read_receipt(data), log.entries[1], log.standard.key)
    for altered in flipped(data):
        with pytest.raises(TrineError):
            read = receipt.read_receipt(altered)
            receipt.verify_inclusion(read, log.entries[1], log.standard.key)


def test_the_two_checkpoints_name_each_other(tmp_path: Path) -> None:
    """Goal: neither log can be shown in two versions alone. Method: read both, and their lines."""
    log = PairedLog(tmp_path)
    log.grow(300)
    log.publish()
    main, _ = verify_checkpoint((log.folder / "checkpoint").read_bytes(), [VERIFIER])
    own_key = note.VerifierKey.parse((log.folder / FOLDER / "log.vkey").read_text().strip())
    assert own_key.name == f"{ORIGIN}/sha256"
    own, _ = verify_checkpoint((log.folder / FOLDER / "checkpoint").read_bytes(), [own_key])
    assert (own.origin, own.size, own.root) == (own_key.name, 300, log.root())
    assert Beside.find(main.extensions, "sha256") == ("sha256", own.root)
    assert Beside.find(own.extensions, "sm3") == ("sm3", main.root)
    assert Beside.find(own.extensions, "sha256") is None


@pytest.mark.parametrize(
    "lines",
    [
        ["trine-sha256/v1"],
        ["trine-sha256/v1 AAAA"],
        ["trine-sha256/v1 " + "A" * 42 + "B="],
        ["trine-sha256/v1 " + "A" * 43 + "="] * 2,
    ],
)
def test_other_lines_are_refused(lines: Sequence[str]) -> None:
    """Goal: a line has one form and stands once. Method: short, not canonical, twice."""
    with pytest.raises(BadNote):
        Beside.find(lines, "sha256")


def test_a_monitor_follows_both(tmp_path: Path) -> None:
    """Goal: honest logs raise no alarm, whatever their sizes, with and without memory.

    Method: grow over the edges of tiles; look after each step, every second time with a state
    that went through its file; then follow the standard log alone, as a log of its own.
    """
    log = PairedLog(tmp_path)
    state = None
    for number, size in enumerate(SIZES):
        log.grow(size)
        log.publish()
        follower = log.watch(state)
        assert follower.look().is_new
        assert not follower.look().is_new
        state = follower.state
        assert state.standard is not None
        assert state.standard.edge.leaves.root() == log.root()
        if number % 2:
            state = State.decode(state.encode(), "sm3")
    alone = Monitor(_Files(log.folder / FOLDER), log.standard.verifier)
    assert alone.look().checkpoint.size == SIZES[-1]
    # The standard log is published first, and may be newer for a moment.
    log.grow(700)
    log.standard.publish(700, log.main.view(700).root())
    assert not log.watch(state).look().is_new
    assert log.watch().look().checkpoint.size == 600


def test_a_log_that_begins_to_name_another_holds(tmp_path: Path) -> None:
    """Goal: the update of a service is no alarm. Method: the line appears, at one size."""
    log = PairedLog(tmp_path)
    log.grow(300)
    root = log.main.view(300).root()
    index = log.catalogue.snapshot().head.lines()
    old = sign_checkpoint(Checkpoint(ORIGIN, 300, root, index), KEY).encode()
    log.objects.write({f"{PREFIX}checkpoint": old})
    follower = log.watch()
    follower.look()
    assert follower.state.standard is None
    state = State.decode(follower.state.encode(), "sm3")
    log.publish()
    again = log.watch(state)
    assert again.look().is_new
    assert again.state.standard is not None
    log.objects.write({f"{PREFIX}checkpoint": old})
    with pytest.raises(LogForked, match="another one now"):
        again.look()


def _other_entries(log: PairedLog) -> None:
    """Keep the standard log over other entries, and commit to it."""
    shutil.rmtree(log.folder / FOLDER)
    other = StoredTree("sha256", log.objects, PREFIX + FOLDER)
    other.append(0, [*log.entries[:-1], digest("forged")])
    root = other.view(len(log.entries)).root()
    lines = (Beside("sm3", log.main.view(len(log.entries)).root()).line(),)
    made = Checkpoint(log.standard.verifier.name, len(log.entries), root, lines)
    data = sign_checkpoint(made, KEY).encode()
    log.objects.write({f"{PREFIX}{FOLDER}checkpoint": data})
    log.publish(Beside("sha256", root).line(), own=False)


def _other_root(log: PairedLog) -> None:
    """Commit to another root than that of the entries."""
    log.publish(Beside("sha256", digest("other")).line())


def _own_checkpoint(log: PairedLog, size: int, root: Digest) -> None:
    made = Checkpoint(log.standard.verifier.name, size, root)
    data = sign_checkpoint(made, KEY).encode()
    log.objects.write({f"{PREFIX}{FOLDER}checkpoint": data})


def _own_root(log: PairedLog) -> None:
    """Show another root to readers of the standard log alone."""
    _own_checkpoint(log, len(log.entries), digest("other"))


def _own_older(log: PairedLog) -> None:
    """Show an older standard log."""
    _own_checkpoint(log, 1, Digest(tree.leaf_hashes("sha256", log.entries[:1])[0]))


def _own_newer(log: PairedLog) -> None:
    """Sign a larger standard log without its tiles."""
    _own_checkpoint(log, len(log.entries) + 1, digest("other"))


def _flip(name: str) -> Callable[[PairedLog], None]:
    def change(log: PairedLog) -> None:
        path = log.folder / FOLDER / name
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)

    return change


def _remove(name: str) -> Callable[[PairedLog], None]:
    return lambda log: (log.folder / FOLDER / name).unlink()


LIES: dict[str, tuple[Callable[[PairedLog], None], type[TrineError], str]] = {
    "other entries": (_other_entries, LogDiffers, "other entries"),
    "other root": (_other_root, LogDiffers, "commits to the SHA-256 root"),
    "own root": (_own_root, LogForked, "own checkpoint"),
    "own older": (_own_older, LogShrank, "has 1 entries"),
    "own newer": (_own_newer, TileDiffers, "do not lead|sha256"),
    "tile": (_flip("tile/0/001"), TileDiffers, "tile/0/001"),
    "upper tile": (_flip("tile/1/000.p/2"), TileDiffers, "tile/1/000.p/2"),
    "bundle": (_flip("tile/entries/001"), TileDiffers, "do not lead"),
    "no tile": (_remove("tile/0/002.p/88"), TileDiffers, "tile/0/002.p/88"),
    "no bundle": (_remove("tile/entries/002.p/88"), TileDiffers, "missing"),
    "no checkpoint": (_remove("checkpoint"), TileDiffers, "checkpoint is missing"),
}


@pytest.mark.parametrize("name", list(LIES))
def test_a_standard_log_that_lies_is_noticed(tmp_path: Path, name: str) -> None:
    """Goal: each way in which the two logs may differ is named. Method: one lie of each kind."""
    change, expected, words = LIES[name]
    log = PairedLog(tmp_path)
    log.grow(600)
    log.publish()
    log.watch().look()
    change(log)
    with pytest.raises(expected, match=words) as caught:
        log.watch().look()
    second = str(caught.value.details["second"])
    assert verify_checkpoint(second.encode(), [VERIFIER, log.standard.verifier])


def test_a_standard_log_that_goes_is_noticed(tmp_path: Path) -> None:
    """Goal: what was committed to stays so. Method: a larger checkpoint without the line."""
    log = PairedLog(tmp_path)
    log.grow(300)
    log.publish()
    follower = log.watch()
    follower.look()
    log.grow(301)
    log.publish("unknown line")
    with pytest.raises(LogDiffers, match="no longer"):
        follower.look()


def test_a_rewritten_standard_log_is_refused_at_the_start(tmp_path: Path) -> None:
    """Goal: no second root for what was published. Method: start with a folder of other entries."""
    log = PairedLog(tmp_path)
    log.grow(300)
    log.publish()
    own = (log.folder / FOLDER / "checkpoint").read_bytes()
    shutil.rmtree(log.folder / FOLDER)
    other = StoredTree("sha256", log.objects, PREFIX + FOLDER)
    other.append(0, [digest("forged"), *log.entries[1:]])
    log.objects.write({f"{PREFIX}{FOLDER}checkpoint": own})
    begun = log.opened()
    assert (begun.size, begun.published_size) == (300, 300)
    with pytest.raises(LogDiffers, match="300 entries is of another log"):
        begun.publish(300, log.main.view(300).root())


def test_anchors_are_due_where_entries_were_added(tmp_path: Path) -> None:
    """Goal: the chain records the root now and then, and nothing where nothing is new.

    Method: ask after each step; the statement holds the checkpoint, the anchor itself counts for
    nothing, a start remembers, and a long pause is waited for.
    """
    log = PairedLog(tmp_path)
    assert log.standard.anchor() is None
    log.grow(3)
    assert log.standard.anchor() is None, "nothing is published"
    log.publish()
    data = log.standard.anchor()
    assert data is not None
    read = statement.read_statement(data, now_s=4_000_000_000)
    statement.verify_statement(read, log.standard.key)
    assert (read.issuer, read.content_type) == (SERVICE, ANCHOR_TYPE)
    assert read.payload == (log.folder / FOLDER / "checkpoint").read_bytes()
    log.standard.anchored(data)
    log.grow(4, "the anchor")
    log.publish()
    assert log.standard.anchor() is None
    log.standard = log.opened()
    log.publish()
    assert log.standard.anchor() is None
    log.grow(5)
    log.publish()
    assert log.standard.anchor() is not None
    log.standard.anchored(None)
    log.anchor_s = 1_000.0
    log.standard = log.opened()
    log.publish()
    assert log.standard.anchor() is None, "it is not time yet"


def test_the_bytes_of_the_standard_log_are_held(tmp_path: Path) -> None:
    """Goal: what was issued stays valid. Method: compare digests; whoever changes one says why."""
    log = PairedLog(tmp_path)
    log.grow(300)
    log.publish()
    own = (log.folder / FOLDER / "checkpoint").read_bytes()
    head = receipt.TreeHead("sha256", 300, log.root())
    signed = receipt.sign_head(
        head, key=KEY, issuer=SERVICE, subject="log", issued_at_s=1, entry_function="sm3"
    )
    path = log.standard.tree.view(300).inclusion_path(299)
    made = receipt.receipt_for(signed, 299, path)
    found = [hashlib.sha256(each).hexdigest() for each in (own, made)]
    assert found == HELD


def test_the_command_reads_both(tmp_path: Path) -> None:
    """Goal: exit status 1 and both checkpoints in a file where the logs differ; else 0.

    Method: the command against a folder on a plain file server, honest, then with a lie.
    """
    log = PairedLog(tmp_path)
    log.grow(300)
    log.publish()
    evidence = tmp_path / "evidence.json"
    words = ("--log-key", str(VERIFIER), "--hash", "sm3", "--once", "--json")
    with static_server(log.folder) as url:
        done = trine("evidence", "monitor", url, *words)
        assert (done.status, done.document["standard"]) == (0, True), done.err
        key = ("--log-key", str(log.standard.verifier))
        alone = trine("evidence", "monitor", f"{url}/sha256", *key, "--once", "--json")
        assert (alone.status, alone.document["size"]) == (0, 300), alone.err
        _other_entries(log)
        done = trine("evidence", "monitor", url, *words, "--evidence", evidence)
        assert (done.status, done.code) == (1, "log_differs")
    assert json.loads(evidence.read_text())["what"] == "log_differs"
    with httpx.Client(trust_env=False) as http, pytest.raises(TrineError, match=r"127\.0\.0\.1"):
        Monitor(HttpSource(url, http), VERIFIER, function="sm3").look()


def test_what_was_published_is_known_at_the_start(tmp_path: Path) -> None:
    """Goal: rows that were published are not made again, with other times, from an older copy.

    Method: a published log with an index; start with as many entries as it has, more, and fewer;
    one that was published before there was an index is made again.
    """
    log = PairedLog(tmp_path)
    log.grow(300)
    log.publish()
    publisher = Publisher(log.objects, PREFIX, ORIGIN, KEY)
    publisher.check_start(300)
    publisher.check_start(301)
    for size in (0, 299):
        with pytest.raises(LogDiffers, match=f"300 entries were published, and {size} "):
            publisher.check_start(size)
    bare = Checkpoint(ORIGIN, 300, log.main.view(300).root())
    log.objects.write({f"{PREFIX}checkpoint": sign_checkpoint(bare, KEY).encode()})
    Publisher(log.objects, PREFIX, ORIGIN, KEY).check_start(0)
