"""Test that many receipts are verified together as strictly as one by one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.command import trine
from tests.services import golden
from trine._core import evidence as core_evidence
from trine._core import proofs as core
from trine.client.verification import Trust, verify_digest, verify_proof
from trine.crypto import hash_many
from trine.errors import TrineError
from trine.services.evidence import files, tree
from trine.services.evidence.entry_proof import EntryProof, EntryReceipt
from trine.types import Digest

SUITES = pytest.mark.parametrize("suite", ["intl", "gm"])
COUNT = 300
"""More than are hashed together, in a log of more than one tile."""


@dataclass
class Record:
    """A document with its receipt."""

    name: str
    content: bytes
    digest: Digest
    salt: bytes
    proof: EntryProof
    receipt: bytes


def seal(suite: str, record: Record, proof: EntryProof) -> bytes:
    """Make the receipt of a record with a proof."""
    function = golden.SUITES[suite][0]
    size = len(record.content)
    file = proof.file(function)
    return core.make_receipt(suite, file, record.salt, record.name, size, "text/plain")


def records(suite: str, count: int = COUNT) -> tuple[Trust, list[Record]]:
    """Record documents on a chain that is made up."""
    chain = golden.Chain(suite)
    made = []
    for number in range(count):
        content, salt = b"document %d" % number, number.to_bytes(32)
        digest = Digest(hash_many(chain.function, [content])[0])
        made.append((content, salt, digest, core_evidence.entry(suite, salt, digest)))
    leaves = tree.leaf_hashes(chain.function, [entry for *_, entry in made])
    root = tree.Frontier(chain.function).extend(leaves).root()
    first = EntryProof.read_file(chain.proof(made[0][3], 0, leaves, root))
    assert first is not None
    found = []
    for number, (content, salt, digest, entry) in enumerate(made):
        path = b"".join(golden.path_of(chain.function, number, leaves))
        proof = first._replace(entry=entry, leaf_index=number, path=path)
        record = Record(f"{number}.txt", content, digest, salt, proof, b"")
        record.receipt = seal(suite, record, proof)
        found.append(record)
    return Trust.load(chain.trust()), found


KNOWN = {suite: records(suite) for suite in ("intl", "gm")}


def verdict(verify: Callable[..., object], *arguments: object) -> str:
    """Return the code of the refusal, or `verified`."""
    try:
        verify(*arguments)
    except TrineError as error:
        return error.code
    return "verified"


def warm(suite: str) -> files.Receipts:
    """Return a verifier that knows the head of the log."""
    trust, (first, *_) = KNOWN[suite]
    found = files.Receipts(trust)
    found.verify(first.digest, len(first.content), first.receipt)
    return found


@SUITES
def test_what_receipts_share_is_verified_once(suite: str) -> None:
    """Goal: the cost of a receipt is its own part. Method: count what the core verified whole."""
    trust, made = KNOWN[suite]
    found = files.Receipts(trust)
    for one in made:
        found.verify(one.digest, len(one.content), one.receipt)
        verify_digest(one.digest, len(one.content), one.receipt, trust)
    assert found.verified_whole == 1


@SUITES
@given(data=st.data())
def test_every_altered_byte_is_judged_as_by_the_core(suite: str, data: st.DataObject) -> None:
    """Goal: the short way accepts nothing that the core refuses.

    Method: alter any byte of a receipt, under its old seal and under the right one, and ask a
    verifier that has seen the head of the log, and the core.
    """
    trust, made = KNOWN[suite]
    found, function = warm(suite), golden.SUITES[suite][0]
    one = data.draw(st.sampled_from(made))
    body_at = one.receipt.index(b"\xa5\x00\x58\x20")
    at = data.draw(st.integers(0, len(one.receipt) - 1))
    altered = bytearray(one.receipt)
    altered[at] ^= data.draw(st.integers(1, 255))
    sealed = bytes(altered[:-32])
    sealed += tree.hash_one(function, b"\x10trine/proof-file" + sealed[body_at:-3])
    for each in (bytes(altered), sealed):
        about = one.digest, len(one.content), each
        assert verdict(found.verify, *about) == verdict(verify_digest, *about, trust)


@SUITES
@given(data=st.data())
def test_swapped_parts_are_judged_as_by_the_core(suite: str, data: st.DataObject) -> None:
    """Goal: each part of a receipt is bound to the others.

    Method: put the parts of another record's proof into a receipt, one by one, under a right seal;
    the core refuses all, and so does a verifier that has seen the head of the log.
    """
    trust, made = KNOWN[suite]
    found = warm(suite)
    one, other = data.draw(st.lists(st.sampled_from(made), min_size=2, max_size=2, unique_by=id))
    part = data.draw(
        st.sampled_from(["entry", "leaf_index", "path", "size", "log", "rest", "salt"])
    )
    mixed, salt = one.proof, one.salt
    match part:
        case "size":
            mixed = mixed._replace(size=mixed.size + data.draw(st.sampled_from([-1, 1])))
        case "log":
            mixed = mixed._replace(log=mixed.log + 1)
        case "rest":
            other_view = mixed.rest.replace(b"\x01\x03\x02\x02", b"\x01\x04\x02\x02")
            mixed = mixed._replace(rest=other_view)
        case "salt":
            salt = other.salt
        case _:
            mixed = mixed._replace(**{part: getattr(other.proof, part)})
    forged = Record(one.name, one.content, one.digest, salt, mixed, b"")
    data_of = seal(suite, forged, mixed)
    size = len(one.content)
    expected = verdict(verify_digest, one.digest, size, data_of, trust)
    same = part == "path" and one.proof.path == other.proof.path
    assert (expected == "verified") == same
    assert verdict(found.verify, one.digest, size, data_of) == expected


@SUITES
def test_another_file_is_refused(suite: str) -> None:
    """Goal: a receipt is about one file. Method: the digest of another, and another size."""
    _, (one, other, *_) = KNOWN[suite]
    found = warm(suite)
    size = len(one.content)
    assert verdict(found.verify, other.digest, size, one.receipt) == "file_altered"
    assert verdict(found.verify, one.digest, size + 1, one.receipt) == "file_altered"


@SUITES
def test_a_proof_is_put_together_as_it_came(suite: str) -> None:
    """Goal: parts and file are the same. Method: read and write; the core verifies every proof."""
    trust, made = KNOWN[suite]
    function = golden.SUITES[suite][0]
    for one in made:
        file = one.proof.file(function)
        assert EntryProof.read_file(file) == one.proof
        assert verify_proof(file, trust).fact["index"] == one.proof.leaf_index
        read = EntryReceipt.read(function, one.receipt)
        assert read == EntryReceipt(one.salt, len(one.content), one.proof)


@SUITES
def test_other_forms_go_to_the_core(suite: str) -> None:
    """Goal: what later releases may write is verified all the same.

    Method: a proof with a negative key that readers ignore, at the end of the body; one that was
    cut; neither is taken apart, and the core accepts the first.
    """
    trust, (one, *_) = KNOWN[suite]
    function = golden.SUITES[suite][0]
    # The hand-overs' key stands last: a key after it makes a map of five.
    longer = one.proof._replace(
        heads=b"\xa5" + one.proof.heads[1:], rest=one.proof.rest + b"\x20\x00"
    )
    assert verify_proof(longer.file(function), trust).fact["index"] == 0
    assert EntryProof.read_file(longer.file(function)) == longer
    assert EntryProof.read(one.proof.body()[:60]) is None
    assert EntryProof.read_file(b"a receipt") is None
    assert EntryReceipt.read(function, b"") is None


def write(folder: Path, suite: str) -> tuple[Path, Path, list[Record]]:
    """Write documents and receipts."""
    trust, made = KNOWN[suite]
    documents, receipts = folder / "documents", folder / "receipts"
    for place in (documents, receipts):
        place.mkdir()
    for one in made:
        (documents / one.name).write_bytes(one.content)
        (receipts / f"{one.name}.receipt").write_bytes(one.receipt)
    (folder / "trust.json").write_bytes(trust.content)
    return documents, receipts, made


@SUITES
def test_every_wrong_file_of_a_folder_is_named(suite: str, tmp_path: Path) -> None:
    """Goal: altered, swapped, added and missing ones are named, and no other.

    Method: a folder that verifies; then one of each.
    """
    documents, receipts, made = write(tmp_path, suite)
    words = ["evidence", "verify", documents, "--receipt", receipts, "--json", "--complete"]
    words += ["--trust", tmp_path / "trust.json"]
    done = trine(*words)
    assert done.document == {"verified": True, "files": COUNT, "failures": []}, done.err
    (documents / "3.txt").write_bytes(b"another")
    (documents / "4.txt").write_bytes(made[5].content)
    (documents / "5.txt").write_bytes(made[4].content)
    (receipts / "6.txt.receipt").write_bytes(made[7].receipt)
    (receipts / "7.txt.receipt").write_bytes(made[6].receipt)
    (documents / "8.txt").unlink()
    (documents / "added.txt").write_bytes(b"an added one")
    broken = bytearray(made[9].receipt)
    broken[200] ^= 1
    (receipts / "9.txt.receipt").write_bytes(broken)
    (receipts / "10.txt.receipt").write_bytes(b"")
    done = trine(*words)
    assert done.status == 5
    found = {Path(one["file"]).name: one["code"] for one in done.document["failures"]}
    altered = {f"{number}.txt": "file_altered" for number in range(3, 8)}
    others = {"8.txt": "file_missing", "added.txt": "unreadable_file"}
    bad = {"9.txt": "proof_mismatch", "10.txt": "not_a_proof"}
    assert found == altered | others | bad
    (receipts / "added.txt.receipt").write_bytes(made[8].receipt)
    (receipts / "10.txt.receipt").write_bytes(made[10].receipt)
    without = [word for word in words if word != "--complete"]
    done = trine(*without)
    assert done.status == 1
    found = {Path(one["file"]).name: one["code"] for one in done.document["failures"]}
    assert found == altered | {"9.txt": "proof_mismatch", "added.txt": "file_altered"}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Goal: it hides nothing. Method: remove a file between finding and reading."""
    documents, receipts, made = write(tmp_path, "intl")
    listed = {documents / one.name: receipts / f"{one.name}.receipt" for one in made}
    (documents / "2.txt").unlink()
    told: list[int] = []
    trust = KNOWN["intl"][0]
    found = list(files.verify_files(listed, trust, lambda done, _: told.append(done)))
    assert [(path.name, error.code) for path, error in found] == [("2.txt", "unreadable_file")]
    assert told == [files.FILES, COUNT]
