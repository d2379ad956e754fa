"""Verify the vectors, and refuse everything near them."""

import json

import pytest

from tests.proofs import files
from trine.model.hashing import hash_bytes
from trine.model.proofs import FileFacts, read_trust, verify_proof, verify_receipt
from trine.model.proofs.statements import (
    AbsenceFact,
    AccountFact,
    BlockFact,
    ConflictingVotesFact,
    EvidenceFact,
    TransactionFact,
    TransferFact,
    ValueFact,
)
from trine.model.proofs.verdicts import (
    BadInput,
    FileAltered,
    NotAProof,
    OtherChain,
    OtherSize,
    ProofError,
    Refused,
    Truncated,
    UnusableTrust,
)

pytestmark = pytest.mark.usefixtures("intl")

FLIPS_APART = 5
"""Bits between two flips under a right seal in the longer files; 1 in the receipt."""


def about(name: str) -> tuple[str, bytes]:
    """Verify a proof and name its fact as the table does."""
    verified = verify_proof(files.read(name), files.trust())
    match verified.fact:
        case TransactionFact():
            return "transaction", verified.fact.transaction_id
        case BlockFact():
            return "block", verified.digest
        case AccountFact():
            return "account", verified.fact.address
        case ValueFact():
            return "value", verified.fact.key
        case AbsenceFact():
            return "absence", verified.fact.key
        case EvidenceFact():
            return "evidence", verified.fact.entry
        case TransferFact():
            return "transfer", verified.fact.record.transaction
        case ConflictingVotesFact():
            return "conflicting_votes", verified.fact.id


@pytest.mark.parametrize("name", files.PROOFS)
def test_proofs_show_what_the_table_says(name: str) -> None:
    """Goal: both verifiers read the same facts. Method: the table was written by the other one."""
    expected = files.table()[name]
    verified = verify_proof(files.read(name), files.trust())
    assert about(name) == (expected["kind"], bytes.fromhex(expected["about"]))
    assert verified.header.height == expected["height"]
    assert verified.header.time_ms == expected["time_ms"]
    assert verified.digest.hex() == expected["digest"]
    assert list(verified.signers) == expected["signers"]


@pytest.mark.parametrize("name", files.RECEIPTS)
def test_receipts_verify(name: str) -> None:
    """Goal: the receipts are good. Method: verify them for the file that they are of."""
    verified = verify_receipt(files.read(name), files.trust(), files.original())
    assert (verified.name, verified.media_type) == ("vector.txt", "text/plain")
    fact = verified.proof.fact
    assert isinstance(fact, EvidenceFact)
    assert (fact.log, fact.index, fact.size) == (2, 6, 11)


@pytest.mark.parametrize("name", [*files.PROOFS, *files.RECEIPTS])
def test_every_bit_flip_is_refused(name: str) -> None:
    """Goal: no bit of a file can be changed. Method: flip each bit."""
    file, trust = files.read(name), files.trust()
    for bit in range(8 * len(file)):
        altered = bytearray(file)
        altered[bit // 8] ^= 1 << bit % 8
        assert files.verdict(name, bytes(altered), trust) != "accepted", bit


@pytest.mark.parametrize("name", [*files.PROOFS, *files.RECEIPTS])
def test_bit_flips_under_a_right_seal_are_refused(name: str) -> None:
    """Goal: the seal is not what protects a proof. Method: flip bits and seal anew.

    Only the name and the media type of a receipt may change: no hash covers them; and the key of
    which an absence is shown: the same proof shows it of every key between the neighbours.
    """
    file, trust = files.read(name), files.trust()
    free: set[int] = set()
    for text in files.uncovered(name):
        place = file.index(text)
        free |= set(range(place, place + len(text)))
    step = 1 if name == "vector.receipt" else FLIPS_APART
    first, last = files.body_start(name), len(file) - files.SEAL_BYTES
    for bit in range(8 * first, 8 * last, step):
        altered = bytearray(file)
        altered[bit // 8] ^= 1 << bit % 8
        found = files.verdict(name, files.sealed(name, bytes(altered)), trust)
        assert found == "refused" or bit // 8 in free, bit


@pytest.mark.parametrize("name", [*files.PROOFS, *files.RECEIPTS])
def test_every_truncation_is_bad_input(name: str) -> None:
    """Goal: part of a file is told from a wrong one. Method: every length."""
    file, trust = files.read(name), files.trust()
    for length in range(len(file)):
        assert files.verdict(name, file[:length], trust) == "bad_input", length
    assert files.verdict(name, file + b"\0", trust) == "refused"


def test_other_files_are_not_proofs() -> None:
    """Goal: other input is told from a wrong proof. Method: the other kind, text, nothing."""
    for data in (files.read("vector.receipt"), b"", files.read("trust.json")):
        with pytest.raises(NotAProof, match="this is not a proof file"):
            verify_proof(data, files.trust())
    for data in (files.read("block.proof"), b"", files.read("vector.txt")):
        with pytest.raises(NotAProof, match="this is not a receipt file"):
            verify_receipt(data, files.trust(), files.original())
    with pytest.raises(Truncated):
        verify_proof(files.read("block.proof")[:-1], files.trust())


def test_another_file_is_refused() -> None:
    """Goal: an altered file is named as such. Method: other contents, other size."""
    receipt, good = files.read("vector.receipt"), files.original()
    with pytest.raises(FileAltered):
        verify_receipt(receipt, files.trust(), FileFacts(hash_bytes(b"other"), good.size))
    with pytest.raises(OtherSize):
        verify_receipt(receipt, files.trust(), FileFacts(good.digest, good.size + 1))


def test_another_chain_is_refused() -> None:
    """Goal: a proof speaks for its chain alone. Method: a trust file of another chain."""
    document = json.loads(files.read("trust.json"))
    document["chain_id"] = "00" * 32
    with pytest.raises(OtherChain, match="trust file of chain 0000"):
        verify_proof(files.read("value.proof"), read_trust(json.dumps(document).encode()))


def test_the_next_set_verifies_what_was_handed_over() -> None:
    """Goal: trust can start at any epoch. Method: the trust file of the second set."""
    later = read_trust(files.read("trust-1.json"))
    assert files.verdict("handed-over.proof", files.read("handed-over.proof"), later) == "accepted"
    assert files.verdict("block.proof", files.read("block.proof"), later) == "refused"


def test_altered_trust_is_refused() -> None:
    """Goal: other keys or another chain let nothing through. Method: flip each bit of both."""
    document = json.loads(files.read("trust.json"))
    proof = files.read("block.proof")
    signers = files.table()["block.proof"]["signers"]
    places = [document] + [one for one in document["validators"] if one["name"] in signers]
    for place in places:
        field = "chain_id" if place is document else "key"
        good = bytes.fromhex(place[field])
        for bit in range(256):
            altered = bytearray(good)
            altered[bit // 8] ^= 1 << bit % 8
            place[field] = altered.hex()
            with pytest.raises(ProofError) as error:
                verify_proof(proof, read_trust(json.dumps(document).encode()))
            assert isinstance(error.value, Refused | UnusableTrust)
        place[field] = good.hex()
    verify_proof(proof, read_trust(json.dumps(document).encode()))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        files.read("trust.json").replace(b"trine-trust-v1", b"trine-trust-v2"),
        files.read("trust.json").replace(b'"intl"', b'"gm"'),
        files.read("trust.json").replace(b'"epoch": 0', b'"epoch": -1'),
        files.read("trust.json").replace(b'"epoch": 0', b'"epoch": -0'),
        files.read("trust.json").replace(b'"epoch": 0', b'"epoch": "0"'),
        files.read("trust.json").replace(b'"epoch": 0', b'"epoch": 0, "more": NaN'),
        files.read("trust.json").replace(b'"n0"', b'"\\ud800"'),
    ],
    ids=[
        *["empty", "bytes", "array", "object", "deep", "format", "suite", "negative"],
        *["signed zero", "text", "no number", "half a character"],
    ],
)
def test_unusable_trust_is_bad_input(text: bytes) -> None:
    """Goal: what is no trust file is said to be none. Method: one thing wrong each."""
    with pytest.raises(UnusableTrust) as error:
        read_trust(text)
    assert isinstance(error.value, BadInput)


def test_conflicting_votes_of_the_other_suite() -> None:
    """Goal: both verifiers judge `gm` alike. Method: files that the other one made and judged."""
    trust = read_trust(files.read("gm/trust.json"))
    names = [path.name for path in (files.FOLDER / "gm").iterdir() if path.suffix != ".json"]
    assert len(names) > 4
    for name in names:
        expected = "accepted" if name.endswith(".proof") else "refused"
        assert files.verdict("a.proof", files.read(f"gm/{name}"), trust) == expected, name


def test_cases_have_the_same_verdict_in_both_verifiers() -> None:
    """Goal: both verifiers decide alike. Method: altered files with the other one's verdict."""
    trust = files.trust()
    cases = json.loads(files.read("cases.json"))
    counts = {"accepted": 0, "refused": 0, "bad_input": 0}
    for case in cases:
        if "file" in case:
            file = bytes.fromhex(case["file"])
        else:
            altered = bytearray(files.read(case["name"]))
            for place, value in case["edits"]:
                altered[place] = value
            file = files.sealed(case["name"], bytes(altered))
        assert files.verdict(case["name"], file, trust) == case["verdict"], case
        counts[case["verdict"]] += 1
    assert min(counts.values()) > 0, counts
