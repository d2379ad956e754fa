"""Test that court packs take checkpoints of their logs along, and that these have the records."""

import base64
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.cli.command import trine
from tests.services import golden, packs
from tests.services.logs import static_server
from trine.client.verification import Trust
from trine.crypto import SecretKey
from trine.errors import TrineError
from trine.services.evidence import checkpoint, cose, keys, note, pack, statement, tree
from trine.services.evidence.objects import Folder
from trine.services.evidence.pack import format as form
from trine.services.evidence.pack import verify as stranger
from trine.services.evidence.stored import StoredTree
from trine.types import Digest

ORIGIN = "log.example/5"
LOG_KEY = SecretKey("ed25519", bytes([31] * 32))
WITNESS_KEY = SecretKey("ed25519", bytes([32] * 32))
WITNESS_NAME = "witness.example/w1"
STRANGER = SecretKey("ed25519", bytes([33] * 32))
LOG = note.verifier_of(LOG_KEY, ORIGIN)
WITNESS = note.verifier_of(WITNESS_KEY, WITNESS_NAME, note.SignatureType.COSIGNATURE)
ISSUER = {"intl": "ed25519", "gm": "sm2"}
NOTE, BESIDE = "checkpoints/5.checkpoint", "checkpoints/5.json"
SUITES = pytest.mark.parametrize("suite", ["intl", "gm"])


@cache
def data_of(suite: str) -> bytes:
    """A statement in a log of three entries."""
    key = golden.key_of(ISSUER[suite], 8)
    return golden.Chain(suite).transparent(golden.signed_statement(key), index=1)


def believed(suite: str) -> tuple[Trust, pack.Keys]:
    """Trust file, and keys of issuer and service."""
    chain = golden.Chain(suite)
    issuer = ("", cose.public_key(golden.key_of(ISSUER[suite], 8)))
    return Trust.load(chain.trust()), pack.Keys((issuer,), (cose.public_key(chain.service),))


def exhibits(suite: str) -> list[pack.Exhibit]:
    """The record with its statement."""
    return [pack.Exhibit("report.txt", golden.CONTENT, data_of(suite))]


class FolderSource:
    """The files of a log in a folder."""

    parallel = 1

    def __init__(self, folder: Path) -> None:
        """Read below a folder."""
        self.folder = folder

    def read(self, path: str, bytes_max: int) -> bytes | None:
        """Return a file; nothing where there is none."""
        file = self.folder / path
        return file.read_bytes() if file.is_file() else None


def publish(
    folder: Path,
    suite: str = "intl",
    *,
    size: int = 700,
    wrong: int | None = None,
    key: SecretKey = LOG_KEY,
    cosigned: bool = True,
) -> Path:
    """Write the log as a service does: the record's three entries, and others behind them."""
    chain = golden.Chain(suite)
    entries = [Digest(chain.hash(number.to_bytes(2))) for number in range(size)]
    entries[:3] = [Digest(chain.hash(bytes([number]))) for number in range(3)][:size]
    if size > 1:
        entries[1] = statement.entry_of(data_of(suite), chain.function)
    if wrong is not None:
        entries[wrong] = Digest(bytes(32))
    folder.mkdir(exist_ok=True)
    objects = Folder(folder)
    stored = StoredTree(chain.function, objects, "")
    stored.append(0, entries)
    head = checkpoint.Checkpoint(ORIGIN, size, stored.view(size).root())
    made = checkpoint.sign_checkpoint(head, key)
    if cosigned:
        line = note.cosign(made.text, WITNESS_KEY, WITNESS_NAME, golden.NOW_S)
        made = made._replace(signatures=(*made.signatures, line))
    objects.write({"checkpoint": made.encode()})
    return folder


def taken(folder: Path, suite: str = "intl", witnesses_min: int = 1) -> pack.LogCheckpoint:
    """Take the checkpoint of a log in a folder."""
    trust, known = believed(suite)
    entries = pack.entries_of(pack.prove_all(exhibits(suite), trust, known))
    return pack.take_checkpoint(
        FolderSource(folder),
        entries,
        log_key=LOG,
        witnesses=[WITNESS],
        witnesses_min=witnesses_min,
    )


def assembled(suite: str, *checkpoints: pack.LogCheckpoint) -> bytes:
    """Make a pack with checkpoints."""
    trust, known = believed(suite)
    shown = exhibits(suite)
    blocks = pack.blocks_of(pack.prove_all(shown, trust, known))
    stated = pack.Timestamps([packs.token(one.header) for one in blocks], [packs.tsa()[1]])
    made = pack.assemble(shown, trust=trust, timestamps=stated, keys=known, checkpoints=checkpoints)
    return made.content


def failures(data: bytes, own: pack.Own | None = None) -> dict[str, str | None]:
    """Return the code of each step that does not hold."""
    return {step.what: step.code for step in pack.check_pack(data, own).failures}


@SUITES
@pytest.mark.parametrize("size", [3, 4, 700])
def test_a_pack_takes_the_checkpoint_along(suite: str, size: int, tmp_path: Path) -> None:
    """Goal: the log that witnesses know has the record. Method: logs of three sizes."""
    made = taken(publish(tmp_path / "log", suite, size=size), suite)
    assert (made.log, made.keys) == (golden.LOG, (LOG, WITNESS))
    data = assembled(suite, made)
    members = form.read_zip(data)
    assert members[NOTE] == (tmp_path / "log" / "checkpoint").read_bytes()
    checked = pack.check_pack(data)
    assert checked.is_verified, checked.failures
    (found,) = checked.checkpoints
    assert (found.log, found.checkpoint.size, found.witnesses) == (5, size, (WITNESS_NAME,))
    assert BESIDE in checked.compare
    assert pack.check_pack(data, pack.Own(log_keys=[LOG])).checkpoints[0].witnesses == ()
    (tmp_path / "case.zip").write_bytes(data)
    ran = packs.verified_alone(tmp_path, tmp_path / "case.zip")
    assert ran.status == 0, ran.out
    assert f"{ORIGIN} has the records among its {size} entries" in ran.out
    compared = [line for line in ran.out.splitlines() if line.startswith("compare")]
    assert [str(key) in line for key in (LOG, WITNESS) for line in compared].count(True) == 2


def test_the_service_has_no_secret_second_log(tmp_path: Path) -> None:
    """Goal: a log that was rewritten is noticed. Method: logs with another entry, or too short."""
    for number, (size, wrong) in enumerate([(700, 0), (700, 2), (3, 1), (2, None), (4, 1)]):
        folder = publish(tmp_path / str(number), size=size, wrong=wrong)
        with pytest.raises(TrineError) as refused:
            taken(folder)
        assert refused.value.code == "tree_mismatch"
    assert taken(publish(tmp_path / "later", wrong=400))  # behind the record: no matter of its own


def test_who_signed_counts(tmp_path: Path) -> None:
    """Goal: only the log's and witnesses' keys count. Method: a stranger's, and none to cosign."""
    with pytest.raises(TrineError) as refused:
        taken(publish(tmp_path / "a", key=STRANGER))
    assert refused.value.code == "note_unverified"
    with pytest.raises(TrineError) as refused:
        taken(publish(tmp_path / "b", cosigned=False))
    assert refused.value.code == "note_unverified"
    made = taken(tmp_path / "b", witnesses_min=0)
    (found,) = pack.check_pack(assembled("intl", made)).checkpoints
    assert found.witnesses == ()
    stranger = note.verifier_of(STRANGER, ORIGIN)
    own = pack.Own(log_keys=[stranger])
    assert failures(assembled("intl", made), own)[f"{NOTE} of its log"] == "note_unverified"
    with pytest.raises(TrineError) as refused:
        taken(tmp_path)
    assert refused.value.code == "bad_note"


def test_forged_members_are_named(tmp_path: Path) -> None:
    """Goal: nothing about the log can be changed. Method: each part, under a right manifest."""
    data = assembled("intl", taken(publish(tmp_path / "log")))
    members = form.read_zip(data)
    content, beside = members[NOTE], json.loads(members[BESIDE])

    def forged(changes: dict[str, bytes | None]) -> str | None:
        found = failures(packs.changed(data, changes))
        return found.get(f"{NOTE} of its log")

    def about(**changes: object) -> dict[str, bytes | None]:
        text = json.dumps({**beside, **changes}, ensure_ascii=False, indent=1)
        return {BESIDE: f"{text}\n".encode()}

    assert forged({}) is None
    path = beside["inclusion"]["1"]
    other = [*path[:-1], "00" * 32]
    assert forged(about(inclusion={"1": other})) == "tree_mismatch"
    assert forged(about(inclusion={"1": path[1:]})) == "tree_mismatch"
    assert forged(about(inclusion={})) == "tree_mismatch"
    assert forged(about(inclusion={"0": path})) == "tree_mismatch"
    assert forged(about(inclusion={"1": path, "2": path})) == "tree_mismatch"
    assert forged(about(inclusion=path)) == "bad_note"
    assert forged(about(log=5)) == "bad_note"
    assert forged(about(keys=[beside["keys"][1]])) == "note_unverified"
    assert forged(about(keys=["nothing"])) == "bad_note"
    assert forged({BESIDE: b"[]"}) == "bad_note"
    assert forged({BESIDE: None}) == "court_pack_differs"
    assert forged({NOTE: None}) == "court_pack_differs"
    found = set()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 7
        found.add(forged({NOTE: bytes(changed)}))
    assert found <= {"note_unverified", "bad_note", "tree_mismatch"}
    moved = {"checkpoints/6.checkpoint": content, "checkpoints/6.json": members[BESIDE]}
    found_codes = failures(packs.changed(data, {NOTE: None, BESIDE: None, **moved}))
    assert found_codes == {"checkpoints/6.checkpoint of its log": "court_pack_differs"}


def test_a_checkpoint_that_does_not_fit_is_not_packed(tmp_path: Path) -> None:
    """Goal: nothing is written that does not hold. Method: another path, another number."""
    made = taken(publish(tmp_path / "log"))
    path = made.paths[1]
    for wrong in (
        made._replace(paths={1: path[::-1]}),
        made._replace(log=6),
        made._replace(keys=(WITNESS,)),
    ):
        with pytest.raises(TrineError) as refused:
            assembled("intl", wrong)
        assert refused.value.code in ("tree_mismatch", "note_unverified")
    with pytest.raises(TrineError) as refused:
        assembled("intl", *[made] * 65)
    assert refused.value.code == "court_pack_too_large"


class Shown:
    """A pack's checkpoint, with what the stranger has verified before he looks at it."""

    def __init__(self, suite: str, folder: Path, size: int) -> None:
        """Make a pack, and verify its record as `verify.py` does."""
        members = form.read_zip(assembled(suite, taken(publish(folder, suite, size=size), suite)))
        self.note, self.beside = members[NOTE], members[BESIDE]
        self.trust = stranger.read_trust(members["trust.json"])
        keys = json.loads(members["keys/keys.json"])
        self.record = stranger.check_statement(data_of(suite), golden.CONTENT, self.trust, keys)

    def refused(self, content: bytes, beside: bytes, name: str = "checkpoints/5") -> str | None:
        """Say why `verify.py` refuses a checkpoint; nothing where it does not."""
        members = {f"{name}.checkpoint": content, f"{name}.json": beside}
        try:
            stranger.check_checkpoint(name, members, self.trust, [self.record])
        except Exception as error:  # whatever it is, as the verifier itself takes it
            return str(error) or type(error).__name__
        return None

    def about(self, **changes: object) -> bytes:
        """Change what stands beside the note."""
        return json.dumps({**json.loads(self.beside), **changes}).encode()

    def signed(self, key: SecretKey = LOG_KEY, **changes: object) -> bytes:
        """Change the checkpoint, signed and cosigned anew."""
        head = checkpoint.Checkpoint.read_text(note.read_note(self.note).text)
        made = checkpoint.sign_checkpoint(head._replace(**changes), key)  # type: ignore[arg-type]
        line = note.cosign(made.text, WITNESS_KEY, WITNESS_NAME, golden.NOW_S)
        return made._replace(signatures=(*made.signatures, line)).encode()


def flipped(data: bytes) -> list[bytes]:
    """Flip each bit once."""
    return [
        data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
        for place in range(len(data))
        for bit in range(8)
    ]


def lines_of(content: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Take a note apart: its text, and who signed with which bytes."""
    text, _, below = content.decode().partition("\n\n")
    lines = [line.split() for line in below.splitlines()]
    return text, [(name, base64.b64decode(own)) for _, name, own in lines]


def beside_of(data: bytes) -> object:
    """Take apart what stands beside a note: keys, and proofs as bytes."""
    found = json.loads(data)
    proofs = {
        index: [bytes.fromhex(one) for one in path] for index, path in found["inclusion"].items()
    }
    return found["keys"], proofs


@SUITES
@pytest.mark.parametrize("size", [3, 700])
def test_the_stranger_refuses_every_bit(suite: str, size: int, tmp_path: Path) -> None:
    """Goal: nothing of a checkpoint can be changed. Method: flip every bit of both members.

    What is accepted has the same text, signatures, keys and proofs, written otherwise: a digit of
    a proof as a capital, unused bits behind base64, another end of a line of signatures.
    """
    shown = Shown(suite, tmp_path / "log", size)
    assert shown.refused(shown.note, shown.beside) is None
    read: tuple[tuple[bytes, Callable[[bytes], object], Callable[[bytes], str | None]], ...] = (
        (shown.note, lines_of, lambda one: shown.refused(one, shown.beside)),
        (shown.beside, beside_of, lambda one: shown.refused(shown.note, one)),
    )
    for whole, taken_apart, refused in read:
        accepted = [one for one in flipped(whole) if refused(one) is None]
        assert len(accepted) < len(whole)
        for one in accepted:
            assert taken_apart(one) == taken_apart(whole)


@SUITES
def test_the_stranger_refuses_lies(suite: str, tmp_path: Path) -> None:
    """Goal: a checkpoint of something else is refused. Method: each lie, signed where it can be."""
    shown = Shown(suite, tmp_path / "log", 700)
    content, beside, inside = shown.note, shown.beside, json.loads(shown.beside)
    path = inside["inclusion"]["1"]
    lacking, absent = "the record is not in the log of the checkpoint", "does not hold"
    other = "no record is in this log"
    assert shown.refused(shown.signed(), beside) is None

    def said(why: str | None, expected: str) -> None:
        assert why is not None
        assert expected in why

    said(shown.refused(shown.signed(STRANGER), beside), f"{ORIGIN} {absent}")
    said(shown.refused(shown.signed(root=Digest(bytes(32))), beside), lacking)
    for size in (0, 1, 2, 3, 256, 512, 1025):
        said(shown.refused(shown.signed(size=size), beside), "another path")
    said(shown.refused(content, beside, "checkpoints/6"), other)
    said(shown.refused(content, beside, "checkpoints/05"), other)
    said(shown.refused(content, shown.about(keys=[])), "the log itself did not sign it")
    said(shown.refused(content, shown.about(keys=[str(WITNESS)])), "the log itself did not sign it")
    stranger_key = note.verifier_of(STRANGER, WITNESS_NAME, note.SignatureType.COSIGNATURE)
    said(shown.refused(content, shown.about(keys=[str(LOG), str(stranger_key)])), absent)
    without = note.read_note(content)
    without = without._replace(signatures=without.signatures[:1])
    said(shown.refused(without.encode(), beside), f"{WITNESS_NAME} {absent}")
    assert shown.refused(without.encode(), shown.about(keys=[str(LOG)])) is None
    said(shown.refused(content, shown.about(inclusion={})), "1")
    said(shown.refused(content, shown.about(inclusion={"2": path})), "1")
    said(shown.refused(content, shown.about(inclusion={"1": path[1:]})), "another path")
    said(shown.refused(content, shown.about(inclusion={"1": path[::-1]})), lacking)
    view = StoredTree(golden.Chain(suite).function, Folder(tmp_path / "log"), "").view(700)
    of_another = [one.hex() for one in view.inclusion_path(0)]
    said(shown.refused(content, shown.about(inclusion={"1": of_another})), lacking)
    assert shown.refused(b"", beside)
    assert shown.refused(content, b"")


def test_the_stranger_names_what_is_missing(tmp_path: Path) -> None:
    """Goal: a forged pack is not verified. Method: take away, move or change each member."""
    data = assembled("intl", taken(publish(tmp_path / "log")))
    members = form.read_zip(data)
    content, beside = members[NOTE], members[BESIDE]
    moved = {"checkpoints/6.checkpoint": content, "checkpoints/6.json": beside}
    for changes, name in (
        ({NOTE: None}, "5"),
        ({BESIDE: None}, "5"),
        ({NOTE: None, BESIDE: None, **moved}, "6"),
        ({NOTE: content.replace(b"700", b"701")}, "5"),
        ({BESIDE: beside.replace(b'"1"', b'"0"')}, "5"),
    ):
        (tmp_path / "case.zip").write_bytes(packs.changed(data, changes))
        ran = packs.verified_alone(tmp_path, tmp_path / "case.zip")
        assert ran.status == 1, ran.out
        assert [line.partition(":")[0] for line in ran.failed] == [f"FAILED  checkpoints/{name}"]
    (tmp_path / "case.zip").write_bytes(packs.changed(data, {NOTE: None, BESIDE: None}))
    assert packs.verified_alone(tmp_path, tmp_path / "case.zip").status == 0  # none was promised


def test_on_the_command_line(tmp_path: Path) -> None:
    """Goal: one command takes it along. Method: a static web server, as anyone may run one."""
    publish(tmp_path / "log")
    trust, known = believed("intl")
    for name, content in {
        "trust.json": trust.content,
        "report.txt": golden.CONTENT,
        "report.transparent": data_of("intl"),
        "keys.cbor": keys.cose_key_set([*known.services]),
    }.items():
        (tmp_path / name).write_bytes(content)
    out = tmp_path / "case.zip"
    making = (
        *("evidence", "pack", "--file", tmp_path / "report.txt", "--out", out, "--json"),
        *("--receipt", tmp_path / "report.transparent", "--trust", tmp_path / "trust.json"),
        *("--issuer-key", golden.text_of(golden.key_of("ed25519", 8))),
        *("--service-keys", tmp_path / "keys.cbor", "--without-timestamp"),
    )
    with static_server(tmp_path / "log") as url:
        done = trine(*making, "--checkpoint", url, str(LOG), "--witness", str(WITNESS))
    assert done.status == 0, done.err
    verifying = ("evidence", "pack", "verify", out, "--without-timestamp", "--json")
    ended = trine(*verifying)
    assert ended.status == 0
    assert ended.document["checkpoints"] == [
        {"log": 5, "origin": ORIGIN, "size": 700, "witnesses": [WITNESS_NAME]}
    ]
    assert trine(*verifying, "--log-key", str(LOG)).status == 0
    assert trine(*verifying, "--log-key", str(note.verifier_of(STRANGER, ORIGIN))).status == 1
    ended = trine(*making, "--witness", str(WITNESS))
    assert (ended.status, ended.code) == (2, "bad_argument")
    ended = trine(*making, "--checkpoint", "http://127.0.0.1:9", str(LOG))
    assert (ended.status, ended.code) == (3, "cannot_reach_node")


def test_roots_of_one_leaf() -> None:
    """Goal: the head is that of the proof. Method: compute the root of the golden log anew."""
    trust, known = believed("intl")
    (one,) = pack.prove_all(exhibits("intl"), trust, known)
    chain = golden.Chain("intl")
    entries = [Digest(chain.hash(bytes([number]))) for number in range(3)]
    entries[1] = statement.entry_of(data_of("intl"))
    leaves = tree.leaf_hashes("sha256", entries)
    assert one.head.root == tree.Frontier("sha256").extend(leaves).root()
    assert one.head.size == 3
