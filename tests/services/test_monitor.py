"""Test the monitor of logs, over HTTP from a plain file server, with logs that lie."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.cli.command import trine
from tests.services.logs import KEY, LocalLog, digest, static_server
from trine.crypto import SecretKey
from trine.errors import TrineError
from trine.errors.services import (
    IndexDiffers,
    LogForked,
    LogShrank,
    NoteUnverified,
    TileDiffers,
)
from trine.services.evidence import note
from trine.services.evidence.checkpoint import verify_checkpoint
from trine.services.evidence.monitor import Monitor, State
from trine.services.evidence.rows import EPOCH_ROWS, ORDERS
from trine.services.evidence.source import HttpSource

SIZES = (1, 255, 256, 257, 600, EPOCH_ROWS + 300, EPOCH_ROWS + 301)


def names(first: int, stop: int, word: str = "honest") -> list[str]:
    """Name entries."""
    return [f"{word}-{number}" for number in range(first, stop)]


def monitor(url: str, log: LocalLog, state: State | None = None) -> Monitor:
    """Make a monitor of a log."""
    client = httpx.Client(trust_env=False)
    return Monitor(HttpSource(url, client), log.verifier, state=state)


def test_a_log_that_grows_holds(tmp_path: Path) -> None:
    """Goal: an honest log raises no alarm, whatever its sizes, across starts of the monitor.

    Method: grow a log over the edges of tiles and epochs; look after each step, with a state that
    went through its file every second time.
    """
    log = LocalLog(tmp_path)
    state = None
    with static_server(tmp_path) as url:
        for number, size in enumerate(SIZES):
            log.grow(names(log.size, size))
            log.publish()
            follower = monitor(url, log, state)
            assert follower.look().is_new
            assert not follower.look().is_new
            state = follower.state
            assert state.leaves.size == size
            if number % 2:
                state = State.decode(state.encode(), "sha256")
        assert monitor(url, log).look().checkpoint.size == SIZES[-1]


def _other_log(folder: Path, size: int, fork_at: int) -> LocalLog:
    """Make a log of the same key with another history."""
    log = LocalLog(folder)
    log.grow(names(0, fork_at))
    log.grow(names(fork_at, size, "forged"))
    log.publish()
    return log


@pytest.mark.parametrize("known", [600, 256, 1])
@pytest.mark.parametrize("size", [601, 2_000])
def test_a_rewritten_log_is_noticed(tmp_path: Path, known: int, size: int) -> None:
    """Goal: a fork is named, with both checkpoints as evidence that anyone can verify.

    Method: the server changes to a folder with another history from an old entry on.
    """
    log = LocalLog(tmp_path / "one")
    log.grow(names(0, known))
    log.publish()
    _other_log(tmp_path / "two", size, known // 2)
    with static_server(tmp_path) as url:
        follower = monitor(f"{url}/one", log)
        follower.look()
        state = follower.state.encode()
        again = monitor(f"{url}/two", log, State.decode(state, "sha256"))
        with pytest.raises(LogForked, match="does not begin") as caught:
            again.look()
    assert again.state.encode() == state
    for part, expected in (("first", known), ("second", size)):
        text = str(caught.value.details[part])
        assert verify_checkpoint(text.encode(), [log.verifier])[0].size == expected


def test_two_roots_at_one_size_are_noticed(tmp_path: Path) -> None:
    """Goal: a fork of the same size is named. Method: two histories of 600 entries."""
    log = LocalLog(tmp_path / "one")
    log.grow(names(0, 600))
    log.publish()
    _other_log(tmp_path / "two", 600, 599)
    with static_server(tmp_path) as url:
        follower = monitor(f"{url}/one", log)
        follower.look()
        with pytest.raises(LogForked, match="at 600 entries"):
            monitor(f"{url}/two", log, follower.state).look()


def test_a_log_that_shrinks_is_noticed(tmp_path: Path) -> None:
    """Goal: a log never loses entries. Method: an older, honest checkpoint comes back."""
    log = LocalLog(tmp_path)
    log.grow(names(0, 300))
    old, _ = log.publish()
    log.grow(names(300, 310))
    log.publish()
    with static_server(tmp_path) as url:
        follower = monitor(url, log)
        follower.look()
        log.objects.write({"checkpoint": old})
        with pytest.raises(LogShrank, match="310 entries, and now 300"):
            follower.look()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("tile/0/000", TileDiffers),
        ("tile/0/001", TileDiffers),
        ("tile/1/000.p/2", TileDiffers),
        ("tile/0/002.p/88", TileDiffers),
        ("tile/entries/001", TileDiffers),
        ("index/tile/entries/000", IndexDiffers),
        ("index/tile/entries/002.p/88", IndexDiffers),
    ],
)
@pytest.mark.parametrize("change", [_flip, Path.unlink])
def test_a_file_that_differs_is_noticed(
    tmp_path: Path, name: str, refusal: type[TrineError], change: Callable[[Path], None]
) -> None:
    """Goal: every tile, bundle and row is read. Method: change or remove one of each kind."""
    log = LocalLog(tmp_path)
    log.grow(names(0, 600))
    log.publish()
    change(tmp_path / name)
    with static_server(tmp_path) as url, pytest.raises(refusal):
        monitor(url, log).look()


@pytest.mark.parametrize("at", range(len(ORDERS)))
def test_an_index_that_is_not_sorted_is_noticed(tmp_path: Path, at: int) -> None:
    """Goal: what a search proof relies on is checked: order, and that no row is left out.

    Method: sign another root of epochs, in each order; leave the index away; change it at the
    same size.
    """
    log = LocalLog(tmp_path)
    log.grow(names(0, 300))
    _, index = log.publish()
    epochs = list(index.head.epochs)
    epochs[at] = digest("other")
    wrong = index.head._replace(epochs=tuple(epochs))
    with static_server(tmp_path) as url:
        log.publish(wrong.lines())
        with pytest.raises(IndexDiffers, match="do not lead"):
            monitor(url, log).look()
        log.publish()
        follower = monitor(url, log)
        follower.look()
        log.publish(wrong.lines())
        with pytest.raises(IndexDiffers, match="another one"):
            follower.look()
        log.grow(names(300, 301))
        log.publish(())
        with pytest.raises(IndexDiffers, match="no longer"):
            follower.look()


def test_rows_of_other_entries_are_noticed(tmp_path: Path) -> None:
    """Goal: the index is of this log. Method: rows of another log below the same checkpoint."""
    log, other = LocalLog(tmp_path / "one"), LocalLog(tmp_path / "two")
    log.grow(names(0, 300))
    other.grow(names(0, 300, "other"))
    _, index = other.publish()
    log.publish(index.head.lines())
    shutil.rmtree(tmp_path / "one/index")
    shutil.copytree(tmp_path / "two/index", tmp_path / "one/index")
    refused = pytest.raises(IndexDiffers, match="not those of the log")
    with static_server(tmp_path / "one") as url, refused:
        monitor(url, log).look()


def test_the_command_keeps_evidence(tmp_path: Path) -> None:
    """Goal: exit status 1, both checkpoints in a file, the state as it was; 0 where it holds.

    Method: run the command against an honest folder, a rewritten one, with another key, with too
    few witnesses, and with nobody there.
    """
    log = LocalLog(tmp_path / "one")
    log.grow(names(0, 300))
    log.publish()
    _other_log(tmp_path / "two", 400, 100)
    state, evidence = tmp_path / "log.state", tmp_path / "evidence.json"
    words: tuple[str | Path, ...] = ("--state", state, "--evidence", evidence, "--once", "--json")
    key = ("--log-key", str(log.verifier))
    with static_server(tmp_path) as url:
        done = trine("evidence", "monitor", f"{url}/one", *key, *words)
        assert done.status == 0, done.err
        assert (done.document["size"], done.document["indexed"]) == (300, True)
        known = state.read_bytes()
        again = trine("evidence", "monitor", f"{url}/one", *key, *words)
        assert again.document["new"] is False
        done = trine("evidence", "monitor", f"{url}/two", *key, *words)
        assert (done.status, done.code) == (1, "log_forked")
        assert state.read_bytes() == known
        kept = json.loads(evidence.read_text())
        sizes = [
            verify_checkpoint(kept[part].encode(), [log.verifier])[0].size
            for part in ("first", "second")
        ]
        assert (kept["what"], sizes) == ("log_forked", [300, 400])
        other = note.verifier_of(SecretKey.generate("ed25519"), log.verifier.name)
        done = trine("evidence", "monitor", f"{url}/one", "--log-key", str(other), *words)
        assert (done.status, done.code) == (1, "note_unverified")
        witness = note.verifier_of(KEY, "w.example", note.SignatureType.COSIGNATURE)
        more = ("--witness", str(witness), "--witnesses", "1")
        done = trine("evidence", "monitor", f"{url}/one", *key, *words, *more)
        assert (done.status, done.code) == (1, "note_unverified")
    done = trine("evidence", "monitor", url, *key, *words)
    assert (done.status, done.code) == (3, "cannot_reach_node")


def test_too_few_witnesses_are_not_enough(tmp_path: Path) -> None:
    """Goal: cosignatures are counted. Method: ask for one where there is none, then for none."""
    log = LocalLog(tmp_path)
    log.grow(names(0, 3))
    log.publish()
    with static_server(tmp_path) as url, httpx.Client(trust_env=False) as http:
        source = HttpSource(url, http)
        with pytest.raises(NoteUnverified, match="0 cosignatures"):
            Monitor(source, log.verifier, witnesses_min=1).look()
        assert Monitor(source, log.verifier).look().cosigned == 0
