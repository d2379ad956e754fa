"""Test receipts: others verify them, nothing else passes, and they stay small."""

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
import scitt_cose
from hypothesis import given
from hypothesis import strategies as st

from tests.services.hostile import KEY, NOW_S, PUBLIC, REMOVED, flipped
from trine.crypto import SecretKey, public_key_to_pem
from trine.errors import BadArgument, TrineError
from trine.errors import services as errors
from trine.services.evidence import cose, heads, receipt, statement, tiles, tree
from trine.services.evidence.chain import ProvenHead
from trine.services.evidence.mirror import Certified
from trine.services.evidence.tree import HashFunction
from trine.types import Digest

FUNCTIONS = pytest.mark.parametrize("function", list(receipt.STRUCTURE_OF_FUNCTION))

ISSUER = "https://log.example"


def entry(number: int) -> Digest:
    """Entry of a statement that never was."""
    return Digest(number.to_bytes(32))


def log(function: HashFunction, size: int) -> tiles.View:
    """A log of such entries."""
    leaves = tree.leaf_hashes(function, [entry(number) for number in range(size)])
    reader = tiles.FromMapping(tiles.append(function, tiles.FromMapping({}), 0, leaves))
    return tiles.View(function, reader, size)


def head_of(view: tiles.View) -> receipt.TreeHead:
    """Head of a log."""
    return receipt.TreeHead(view.function, view.size, view.root())


def signed(view: tiles.View, key: SecretKey = KEY) -> receipt.SignedHead:
    """Signed head of a log."""
    return receipt.sign_head(
        head_of(view), key=key, issuer=ISSUER, subject="log 7", issued_at_s=NOW_S
    )


@FUNCTIONS
@pytest.mark.parametrize("algorithm", list(cose.ALGORITHM_OF_KEY))
def test_receipts_round_trip(function: HashFunction, algorithm: str) -> None:
    """Goal: one signature serves all receipts of a size. Method: every entry of a log of 20."""
    key = SecretKey.generate(algorithm)
    view = log(function, 20)
    once = signed(view, key)
    for index in range(20):
        data = receipt.receipt_for(once, index, view.inclusion_path(index), chain_proof=b"proof")
        found = receipt.read_receipt(data)
        assert (found.issuer, found.subject, found.issued_at_s) == (ISSUER, "log 7", NOW_S)
        assert (found.key_id, found.chain_proof) == (key.public_key, b"proof")
        assert found.size == 20
        assert found.message.signature == once.signature
        assert receipt.verify_inclusion(found, entry(index), cose.public_key(key)) == once.head
        with pytest.raises(errors.CoseSignature):
            receipt.verify_inclusion(found, entry(index + 1), cose.public_key(key))
        with pytest.raises(errors.BadReceipt):
            receipt.verify_consistency(found, once.head, cose.public_key(key))


@FUNCTIONS
@pytest.mark.parametrize("size", [256, 257, 1_300])
def test_receipts_made_together_are_those_made_one_by_one(
    function: HashFunction, size: int
) -> None:
    """Goal: many at once are no other receipts.

    Method: all entries of a log in some order, and two that have none yet or are unknown.
    """
    view = log(function, size)
    once = signed(view)
    proven = ProvenHead(size, once.head.root, 1, 1, b"", 0)
    head = heads.Head(Certified(proven, view), once, view, None)
    order = [*range(size - 1, -1, -2), *range(size - 2, -1, -2)]
    places: dict[Digest, int | None] = {entry(number): number for number in order}
    places |= {entry(size): size, entry(size + 1): None}
    asked = [*places, entry(size + 2)]
    made = heads.make_receipts(head, asked, places, with_chain_proof=False)
    assert made[:size] == [
        receipt.receipt_for(once, number, view.inclusion_path(number)) for number in order
    ]
    assert made[size : size + 2] == [None, None]
    assert isinstance(made[size + 2], errors.StatementNotFound)
    with pytest.raises(BadArgument):
        receipt.receipts_for(once, 0, [1], bytes(32), [])


@FUNCTIONS
@given(data=st.data())
def test_consistency_receipts_hold(function: HashFunction, data: st.DataObject) -> None:
    """Goal: a log that only grew shows it. Method: any two sizes; then another log before."""
    size = data.draw(st.integers(1, 70))
    old = data.draw(st.integers(1, size))
    view, before = log(function, size), head_of(log(function, old))
    once = signed(view)
    found = receipt.read_receipt(
        receipt.consistency_receipt_for(once, old, view.consistency_path(old))
    )
    assert receipt.verify_consistency(found, before, PUBLIC) == once.head
    with pytest.raises(errors.BadReceipt):
        receipt.verify_inclusion(found, entry(0), PUBLIC)
    rewritten = before._replace(root=Digest(bytes(32)))
    with pytest.raises((errors.TreeMismatch, errors.CoseSignature)):
        receipt.verify_consistency(found, rewritten, PUBLIC)
    with pytest.raises(errors.TreeMismatch):
        receipt.verify_consistency(found, before._replace(size=old + 1), PUBLIC)


@pytest.mark.parametrize("algorithm", ["ed25519", "p256"])
def test_scitt_cose_verifies_receipts(algorithm: str) -> None:
    """Goal: another program verifies them. Method: scitt-cose, each entry, and a wrong one."""
    key = SecretKey.generate(algorithm)
    pem = public_key_to_pem(algorithm, key.public_key)
    for size in (1, 2, 3, 8, 13):
        view = log("sha256", size)
        once = signed(view, key)
        for index in range(size):
            path = view.inclusion_path(index)
            data = receipt.receipt_for(once, index, path, chain_proof=b"proof")
            found = scitt_cose.verify_receipt(
                data, leaf_entry_hex=entry(index).hex(), log_public_key_pem=pem
            )
            assert found.ok, found.errors
            assert (found.root, found.tree_size, found.leaf_index) == (
                view.root().hex(),
                size,
                index,
            )
            assert (found.issuer, found.subject, found.iat) == (ISSUER, "log 7", NOW_S)
            assert not scitt_cose.verify_receipt(
                data, leaf_entry_hex=entry(index + 1).hex(), log_public_key_pem=pem
            ).ok


def test_a_statement_goes_through_a_log() -> None:
    """Goal: statement, entry, receipt and transparent statement fit. Method: the whole way once."""
    data = statement.sign_statement(
        b"{}", key=KEY, issuer=ISSUER, subject="s", content_type="text/json", issued_at_s=NOW_S
    )
    registered = statement.entry_of(data)
    leaves = tree.leaf_hashes("sha256", [entry(1), registered, entry(2)])
    reader = tiles.FromMapping(tiles.append("sha256", tiles.FromMapping({}), 0, leaves))
    view = tiles.View("sha256", reader, 3)
    made = receipt.receipt_for(signed(view), 1, view.inclusion_path(1))
    transparent = statement.with_receipts(data, [made])
    (carried,) = statement.receipts_of(transparent)
    found = receipt.read_receipt(carried)
    head = receipt.verify_inclusion(found, statement.entry_of(transparent), PUBLIC)
    assert head == head_of(view)
    pem = public_key_to_pem("ed25519", KEY.public_key)
    assert scitt_cose.verify_receipt(
        scitt_cose.extract_receipts(transparent)[0],
        leaf_entry_hex=registered.hex(),
        log_public_key_pem=pem,
    ).ok


@pytest.mark.parametrize("index", [0, 9_999_999, 8_388_607])
def test_receipts_stay_small(index: int) -> None:
    """Goal: at 10 million entries a receipt has at most 2,048 bytes. Method: its longest paths."""
    size = 10_000_000
    inner = (index ^ (size - 1)).bit_length()
    path = [bytes([1] * 32)] * (inner + (index >> inner).bit_count())
    (leaf,) = tree.leaf_hashes("sha256", [entry(0)])
    root = tree.inclusion_root("sha256", leaf, index, size, path)
    once = receipt.sign_head(
        receipt.TreeHead("sha256", size, root),
        key=KEY,
        issuer="https://" + "a" * 120 + ".example",
        subject="b" * 128,
        issued_at_s=NOW_S,
    )
    data = receipt.receipt_for(once, index, path)
    assert len(data) <= 2_048
    assert receipt.verify_inclusion(receipt.read_receipt(data), entry(0), PUBLIC) == once.head


def test_every_flipped_bit_is_refused() -> None:
    """Goal: nothing in a receipt can change. Method: flip each bit of one."""
    view = log("sha256", 20)
    original = receipt.receipt_for(signed(view), 7, view.inclusion_path(7))
    for altered in flipped(original):
        with pytest.raises(TrineError):
            receipt.verify_inclusion(receipt.read_receipt(altered), entry(7), PUBLIC)


def test_a_transparent_statement_cannot_change() -> None:
    """Goal: statement and receipt hold together. Method: flip each bit of both."""
    plain = statement.sign_statement(
        b"{}", key=KEY, issuer=ISSUER, subject="s", content_type="text/json", issued_at_s=NOW_S
    )
    leaves = tree.leaf_hashes("sha256", [statement.entry_of(plain), entry(1)])
    edge = tree.Frontier("sha256").extend(leaves)
    head = receipt.TreeHead("sha256", 2, edge.root())
    once = receipt.sign_head(head, key=KEY, issuer=ISSUER, subject="l", issued_at_s=NOW_S)
    original = statement.with_receipts(plain, [receipt.receipt_for(once, 0, [leaves[1]])])
    assert verify_all(original) == head
    for altered in flipped(original):
        with pytest.raises(TrineError):
            verify_all(altered)


def verify_all(data: bytes) -> receipt.TreeHead:
    """Verify a transparent statement with one receipt."""
    found = statement.read_statement(data, now_s=NOW_S)
    statement.verify_statement(found, PUBLIC)
    receipts = statement.receipts_of(data)
    if len(receipts) != 1:
        raise errors.BadReceipt("expected one receipt")
    return receipt.verify_inclusion(
        receipt.read_receipt(receipts[0]), statement.entry_of(found), PUBLIC
    )


HEADERS: dict[Any, Any] = {1: -8, 4: b"key", 15: {1: ISSUER, 2: "log 7"}, 395: 1}
PATH = [bytes(32)]
PROOF = cbor2.dumps([2, 0, PATH])


def crafted(
    changes: dict[Any, Any] | None = None,
    proofs: Any = None,
    payload: bytes | None = None,
    unprotected: dict[Any, Any] | None = None,
) -> bytes:
    """Sign a receipt of anything."""
    changed = {**HEADERS, **(changes or {})}
    protected = cbor2.dumps({key: value for key, value in changed.items() if value is not REMOVED})
    every = {396: {-1: [PROOF]} if proofs is None else proofs, **(unprotected or {})}
    rest = {label: value for label, value in every.items() if value is not REMOVED}
    root = tree.inclusion_root("sha256", tree.leaf_hashes("sha256", [entry(0)])[0], 0, 2, PATH)
    signature = cose.sign(KEY, protected, payload or root)
    return cose.write_sign1(protected, cbor2.dumps(rest), payload, signature)


HOSTILE: dict[str, tuple[Callable[[], bytes], type[TrineError]]] = {
    "no structure": (lambda: crafted({395: REMOVED}), errors.HeaderMissing),
    "unprotected structure": (
        lambda: crafted({395: REMOVED}, unprotected={395: 1}),
        errors.HeaderNotProtected,
    ),
    "other size signed": (lambda: crafted({receipt.SIZE: 3}), errors.TreeMismatch),
    "size of text": (lambda: crafted({receipt.SIZE: "2"}), errors.BadHeader),
    "structure of CCF": (lambda: crafted({395: 2}), errors.UnknownStructure),
    "structure of text": (lambda: crafted({395: "RFC9162_SHA256"}), errors.BadHeader),
    "no algorithm": (lambda: crafted({1: REMOVED}), errors.HeaderMissing),
    "algorithm ES384": (lambda: crafted({1: -35}), errors.SignatureAlgorithm),
    "no claims": (lambda: crafted({15: REMOVED}), errors.HeaderMissing),
    "no subject": (lambda: crafted({15: {1: ISSUER}}), errors.HeaderMissing),
    "no key id": (lambda: crafted({4: REMOVED}), errors.HeaderMissing),
    "critical unknown": (lambda: crafted({2: [99], 99: 1}), errors.CriticalHeader),
    "attached root": (lambda: crafted(payload=bytes(32)), errors.BadReceipt),
    "no proofs": (lambda: crafted(unprotected={396: REMOVED}), errors.BadReceipt),
    "proofs of bytes": (lambda: crafted(proofs=b""), errors.BadReceipt),
    "no kind of proof": (lambda: crafted(proofs={}), errors.BadReceipt),
    "other kind of proof": (lambda: crafted(proofs={-3: [PROOF]}), errors.BadReceipt),
    "proofs no array": (lambda: crafted(proofs={-1: PROOF}), errors.BadHeader),
    "empty array": (lambda: crafted(proofs={-1: []}), errors.BadReceipt),
    "many proofs": (lambda: crafted(proofs={-1: [PROOF] * 17}), errors.BadReceipt),
    "proof not wrapped": (lambda: crafted(proofs={-1: [[2, 0, PATH]]}), errors.BadHeader),
    "proof of two": (lambda: crafted(proofs={-1: [cbor2.dumps([2, 0])]}), errors.BadReceipt),
    "proof with more": (lambda: crafted(proofs={-1: [PROOF + b"\x00"]}), errors.BadReceipt),
    "proof cut": (lambda: crafted(proofs={-1: [PROOF[:-1]]}), errors.CoseTruncated),
    "negative index": (
        lambda: crafted(proofs={-1: [cbor2.dumps([2, -1, PATH])]}),
        errors.BadReceipt,
    ),
    "index of a boolean": (
        lambda: crafted(proofs={-1: [cbor2.dumps([2, False, PATH])]}),
        errors.BadHeader,
    ),
    "hash of a number": (
        lambda: crafted(proofs={-1: [cbor2.dumps([2, 0, [2**40]])]}),
        errors.BadHeader,
    ),
    "long path": (
        lambda: crafted(proofs={-1: [cbor2.dumps([2, 0, PATH * 65])]}),
        errors.CoseTooLarge,
    ),
    "index beyond": (
        lambda: crafted(proofs={-1: [cbor2.dumps([2, 2, PATH])]}),
        errors.TreeMismatch,
    ),
    "huge size": (
        lambda: crafted(proofs={-1: [cbor2.dumps([2**64 - 1, 0, PATH])]}),
        errors.TreeMismatch,
    ),
    "short hash": (
        lambda: crafted(proofs={-1: [cbor2.dumps([2, 0, [bytes(31)]])]}),
        errors.TreeMismatch,
    ),
    "short path": (lambda: crafted(proofs={-1: [cbor2.dumps([2, 0, []])]}), errors.TreeMismatch),
    "other path": (
        lambda: crafted(proofs={-1: [cbor2.dumps([2, 0, [bytes([1] * 32)]])]}),
        errors.CoseSignature,
    ),
    "entries by SHA-512": (lambda: crafted({receipt.ENTRY_HASH: -44}), errors.UnknownStructure),
    "entries by a text": (lambda: crafted({receipt.ENTRY_HASH: "SM3"}), errors.BadHeader),
    "structure of SM3": (lambda: crafted({395: receipt.RFC9162_SM3}), errors.CoseSignature),
    "chain proof of text": (
        lambda: crafted(unprotected={receipt.CHAIN_PROOF: "x"}),
        errors.BadHeader,
    ),
    "giant": (
        lambda: crafted(unprotected={receipt.CHAIN_PROOF: bytes(statement.RECEIPT_BYTES_MAX)}),
        errors.CoseTooLarge,
    ),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_receipts_have_their_code(name: str) -> None:
    """Goal: each attack is refused, for its own reason. Method: otherwise well signed."""
    make, expected = HOSTILE[name]
    with pytest.raises(TrineError) as caught:
        receipt.verify_inclusion(receipt.read_receipt(make()), entry(0), PUBLIC)
    assert type(caught.value) is expected, caught.value


def test_what_stays_allowed() -> None:
    """Goal: receipts of others are taken. Method: several proofs, unknown headers, no claims."""
    other = cbor2.dumps([2, 1, PATH])
    for data, claims_required in (
        (crafted(), True),
        (crafted(proofs={-1: [other, PROOF]}), True),
        (crafted(proofs={-1: [PROOF], -2: [cbor2.dumps([1, 2, PATH])]}), True),
        (crafted(unprotected={500: "x"}), True),
        (crafted({4: REMOVED, 15: REMOVED}), False),
    ):
        found = receipt.read_receipt(data, claims_required=claims_required)
        assert receipt.verify_inclusion(found, entry(0), PUBLIC).size == 2


def test_the_place_is_that_of_the_proof_that_holds() -> None:
    """Goal: no index that nothing shows. Method: a wrong proof before the right one."""
    other = cbor2.dumps([2, 1, PATH])
    found = receipt.read_receipt(crafted(proofs={-1: [other, PROOF]}))
    head = receipt.verify_inclusion(found, entry(0), PUBLIC)
    assert receipt.place_of(found, entry(0), head).leaf_index == 0
    with pytest.raises(errors.BadReceipt):
        receipt.place_of(found, entry(1), head)


@given(st.binary(max_size=300))
def test_garbage_raises_no_other_error(data: bytes) -> None:
    """Goal: no surprise for a server. Method: any bytes as receipt, headers, proofs and path."""
    for tried in (
        data,
        cose.TAG_AND_ARRAY + data,
        crafted(proofs={-1: [data]}),
        cose.write_sign1(cbor2.dumps(HEADERS), data, None, bytes(64)),
    ):
        with pytest.raises(TrineError):
            receipt.verify_inclusion(receipt.read_receipt(tried), entry(0), PUBLIC)


def test_keys_of_other_algorithms_sign_nothing() -> None:
    """Goal: no receipt that nobody verifies. Method: a key of secp256k1, and a wrong one after."""
    with pytest.raises(errors.SignatureAlgorithm):
        signed(log("sha256", 1), SecretKey("secp256k1", bytes(31) + b"\x01"))
    view = log("sha256", 2)
    with pytest.raises(BadArgument):
        receipt.receipt_for(signed(view), 0, [bytes(31)])
    found = receipt.read_receipt(crafted())
    with pytest.raises(errors.SignatureAlgorithm):
        receipt.verify_inclusion(
            found, entry(0), cose.public_key(SecretKey("p256", bytes(31) + b"\x01"))
        )
