"""Test that court packs take checkpoints of their logs along, and that these go on from them."""

import json
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
    heads = pack.heads_of(pack.prove_all(exhibits(suite), trust, known))
    return pack.take_checkpoint(
        FolderSource(folder),
        heads,
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
    """Goal: the log that witnesses know goes on from the record. Method: logs of three sizes."""
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
    path = beside["consistency"]["3"]
    other = [*path[:-1], "00" * 32]
    assert forged(about(consistency={"3": other})) == "tree_mismatch"
    assert forged(about(consistency={"3": path[1:]})) == "tree_mismatch"
    assert forged(about(consistency={})) == "tree_mismatch"
    assert forged(about(consistency={"3": path, "4": path})) == "tree_mismatch"
    assert forged(about(log=6)) == "court_pack_differs"
    assert forged(about(log="5")) == "bad_note"
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
    path = made.paths[3]
    for wrong in (
        made._replace(paths={3: path[::-1]}),
        made._replace(log=6),
        made._replace(keys=(WITNESS,)),
    ):
        with pytest.raises(TrineError) as refused:
            assembled("intl", wrong)
        assert refused.value.code in ("tree_mismatch", "note_unverified")
    with pytest.raises(TrineError) as refused:
        assembled("intl", *[made] * 65)
    assert refused.value.code == "court_pack_too_large"


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
