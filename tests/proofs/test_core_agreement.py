"""Compare the readable verifier with the Rust verifier on the same files."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.proofs import files
from trine.errors import TrineError
from trine.model.hashing import hash_bytes
from trine.model.limits import MEDIA_TYPE_BYTES_MAX
from trine.model.proofs import FileFacts, ProofError, read_trust, verify_receipt
from trine.model.proofs.receipt import is_file_name

core = pytest.importorskip(
    "trine._core.proofs", reason="the extension is not built: run `make build`"
)

pytestmark = pytest.mark.usefixtures("intl")

EXAMPLES = int(os.environ.get("TRINE_MODEL_EXAMPLES", "300"))
"""Files that each property tries; more in a long run."""

BAD_INPUT = {"not_a_proof", "proof_truncated", "proof_too_large", "bad_trust_file"}
"""Codes of the core for input that is no proof."""

NAMES = [*files.PROOFS, *files.RECEIPTS]


def core_verdict(name: str, file: bytes, trust: bytes) -> str:
    """Verify with the core: `accepted`, `refused` or `bad_input`."""
    try:
        if name.endswith(".proof"):
            core.verify_proof(trust, file)
        else:
            facts = files.original()
            core.verify_receipt(trust, file, facts.digest, facts.size)
    except TrineError as error:
        return "bad_input" if error.code in BAD_INPUT else "refused"
    return "accepted"


@st.composite
def altered(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a vector with some bytes changed, removed or put in; often under a right seal."""
    name = draw(st.sampled_from(NAMES))
    file = bytearray(files.read(name))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(file) - 1))
        piece = draw(st.binary(max_size=3))
        file[place : place + draw(st.integers(0, 3))] = piece
    data = bytes(file)
    return name, files.sealed(name, data) if draw(st.booleans()) else data


@settings(max_examples=EXAMPLES, deadline=None)
@given(altered())
def test_altered_files_have_one_verdict(case: tuple[str, bytes]) -> None:
    """Goal: both verifiers decide alike. Method: vectors with random changes."""
    name, file = case
    trust = files.read("trust.json")
    assert files.verdict(name, file, files.trust()) == core_verdict(name, file, trust)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_altered_trust_has_one_verdict(name: str, data: st.DataObject) -> None:
    """Goal: both read the same trust. Method: trust files with random changes."""
    text = bytearray(files.read("trust.json"))
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = files.verdict(name, files.read(name), read_trust(bytes(text)))
    except ProofError:
        found = "bad_input"
    assert found == core_verdict(name, files.read(name), bytes(text))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.text(max_size=300), st.text(max_size=130))
def test_receipts_of_the_core_read_in_the_model(salt: bytes, name: str, media_type: str) -> None:
    """Goal: what one side writes the other reads, names and limits included.

    Method: receipts with random names; the model then says that the entry is another, or the core
    refused to write what the model refuses to read.
    """
    proof, facts = files.read("evidence.proof"), FileFacts(hash_bytes(b""), 0)
    try:
        receipt = core.make_receipt("intl", proof, salt, name, 0, media_type)
    except TrineError:
        receipt = None
    if receipt is not None:
        with pytest.raises(ProofError, match="not those that were recorded"):
            verify_receipt(receipt, files.trust(), facts)
    may_be = is_file_name(name) and len(media_type.encode()) <= MEDIA_TYPE_BYTES_MAX
    assert may_be == (receipt is not None)
