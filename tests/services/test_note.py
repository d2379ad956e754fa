"""Test signed notes, cosignatures and checkpoints by the texts of C2SP and of the Go library."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from tests.services.hostile import flipped
from trine.crypto import SecretKey
from trine.errors import BadArgument, TrineError
from trine.errors.services import BadNote, BadVerifierKey, NoteUnverified
from trine.services.evidence import note
from trine.services.evidence.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from trine.types import Digest

# Key and note of the tests of golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SECRET = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_LINE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM="
)
# The checkpoint that C2SP tlog-cosignature shows; its keys are not published.
SHOWN = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5"
    "/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJs"
    "X3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)

KEY = SecretKey("ed25519", bytes(range(32)))
WITNESS = SecretKey("ed25519", bytes(range(1, 33)))
ORIGIN = "log.example/7"
HEAD = Checkpoint(ORIGIN, 70_000, Digest(bytes(range(32))))
LOG_KEY = note.verifier_of(KEY, ORIGIN)
WITNESS_KEY = note.verifier_of(WITNESS, "w.example", note.SignatureType.COSIGNATURE)


def cosigned() -> note.Note:
    """A checkpoint that log and witness signed."""
    signed = sign_checkpoint(HEAD, KEY)
    line = note.cosign(signed.text, WITNESS, "w.example", 1_679_315_147)
    return signed._replace(signatures=(*signed.signatures, line))


def test_the_note_of_the_go_library() -> None:
    """Goal: notes as others read and write them. Method: its key and note, byte for byte."""
    key = note.VerifierKey.parse(GO_KEY)
    assert str(key) == GO_KEY
    read = note.read_note(f"{GO_TEXT}\n{GO_LINE}\n".encode())
    assert read.text == GO_TEXT
    assert note.verify(read, [key]) == [note.Verified(key, None)]
    line = note.sign(GO_TEXT, SecretKey("ed25519", GO_SECRET), "PeterNeumann")
    assert str(line) == GO_LINE
    with pytest.raises(NoteUnverified):
        note.verify(read._replace(text=GO_TEXT.replace("answer", "Answer")), [key])


def test_the_checkpoint_of_the_specification() -> None:
    """Goal: the form that C2SP shows is read. Method: its checkpoint with a cosignature."""
    read = note.read_note(SHOWN.encode())
    head = Checkpoint.read_text(read.text)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert head.text() == read.text
    assert read.encode() == SHOWN.encode()
    assert int.from_bytes(read.signatures[1].signature[:8]) == 1_679_315_147
    assert [len(line.signature) for line in read.signatures] == [64, 72]


def test_signatures_hold_elsewhere() -> None:
    """Goal: any library of Ed25519 verifies them. Method: cryptography, messages built by hand."""
    log, witness = cosigned().signatures
    text = f"{ORIGIN}\n70000\n{base64.b64encode(bytes(range(32))).decode()}\n"
    Ed25519PublicKey.from_public_bytes(KEY.public_key).verify(log.signature, text.encode())
    message = f"cosignature/v1\ntime 1679315147\n{text}".encode()
    public_key = Ed25519PublicKey.from_public_bytes(WITNESS.public_key)
    public_key.verify(witness.signature[8:], message)


def test_log_and_witness_are_told_apart() -> None:
    """Goal: a witness is no log, and is counted. Method: each set of known keys."""
    data = cosigned().encode()
    head, verified = verify_checkpoint(data, [LOG_KEY, WITNESS_KEY], witnesses_min=1)
    assert head == HEAD
    assert verified == [
        note.Verified(LOG_KEY, None),
        note.Verified(WITNESS_KEY, 1_679_315_147),
    ]
    assert verify_checkpoint(data, [LOG_KEY])[1] == [note.Verified(LOG_KEY, None)]
    for keys, witnesses in (([WITNESS_KEY], 0), ([], 0), ([LOG_KEY], 1)):
        with pytest.raises(NoteUnverified):
            verify_checkpoint(data, keys, witnesses_min=witnesses)


def test_a_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    """Goal: as C2SP demands. Method: a good and a wrong signature; an unknown one is ignored."""
    signed = cosigned()
    log, witness = signed.signatures
    wrong = witness._replace(signature=witness.signature[:-1] + b"\x00")
    stranger = log._replace(name="else.example")
    known = [LOG_KEY, WITNESS_KEY]
    with pytest.raises(NoteUnverified):
        note.verify(signed._replace(signatures=(log, wrong)), known)
    assert len(note.verify(signed._replace(signatures=(stranger, log, log)), known)) == 1
    late = witness._replace(signature=b"\xff" * 8 + witness.signature[8:])
    short = witness._replace(signature=b"\x00")
    for line in (late, short):
        with pytest.raises(NoteUnverified):
            note.verify(signed._replace(signatures=(line,)), known)


def test_every_flipped_bit_is_refused() -> None:
    """Goal: nothing in a checkpoint can change. Method: flip each bit of one."""
    for altered in flipped(sign_checkpoint(HEAD, KEY).encode()):
        with pytest.raises((BadNote, NoteUnverified)):
            verify_checkpoint(altered, [LOG_KEY])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "a\n1\n",
        f"a\n01\n{'A' * 43}=\n",
        f"a\n-1\n{'A' * 43}=\n",
        f"a\n+1\n{'A' * 43}=\n",
        f"a\n1_0\n{'A' * 43}=\n",
        f"a\n\u0661\n{'A' * 43}=\n",
        f"a\n{2**62 + 1}\n{'A' * 43}=\n",
        f"a\n1{'0' * 5_000}\n{'A' * 43}=\n",
        f"\n1\n{'A' * 43}=\n",
        f"a\n1\n{'A' * 42}B=\n",
        f"a\n1\n{'A' * 44}\n",
        f"a\n1\n{'A' * 40}\n",
        f"a\n1\n{'A' * 43}=",
        f"a\n1\n{'A' * 43}=\n\nx\n",
    ],
)
def test_other_texts_are_no_checkpoint(text: str) -> None:
    """Goal: one form of a checkpoint. Method: near misses."""
    with pytest.raises(BadNote):
        Checkpoint.read_text(text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\n",
        "text\n\n\u2014 a AAAAAAA=".encode(),
        "text\n\n\u2014 a AAAAAA==\n".encode(),
        "text\n\n\u2014 a AAAAAAB=\n".encode(),
        "text\n\n\u2014 a  AAAAAAA=\n".encode(),
        "text\n\n\u2014  AAAAAAA=\n".encode(),
        "text\n\n\u2014 a+b AAAAAAA=\n".encode(),
        "text\n\n\u2014 a\u00a0b AAAAAAA=\n".encode(),
        b"text\n\n- a AAAAAAA=\n",
        "text\n\n\u2014 a AAAAAAA=\nx\n".encode(),
        "te\rxt\n\n\u2014 a AAAAAAA=\n".encode(),
        "te\x00xt\n\n\u2014 a AAAAAAA=\n".encode(),
        b"te\xffxt\n\n\xe2\x80\x94 a AAAAAAA=\n",
        ("text\n\n" + "\u2014 a AAAAAAA=\n" * 65).encode(),
        ("text\n" * 20_000 + "\n\u2014 a AAAAAAA=\n").encode(),
    ],
)
def test_other_bytes_are_no_note(data: bytes) -> None:
    """Goal: one form of a note. Method: near misses, and one past each limit."""
    with pytest.raises(BadNote):
        note.read_note(data)


def test_a_note_has_as_many_signatures_as_allowed() -> None:
    """Goal: the limit itself is allowed. Method: a note with 64 of them, and blank lines above."""
    data = ("text\n\nmore\n\n" + "\u2014 a AAAAAAA=\n" * note.SIGNATURES_MAX).encode()
    read = note.read_note(data)
    assert (read.text, len(read.signatures)) == ("text\n\nmore\n", note.SIGNATURES_MAX)
    assert read.encode() == data


def test_every_mangled_verifier_key_is_refused() -> None:
    """Goal: a key copied badly is noticed. Method: each part of one, and each letter changed."""
    for first in range(len(GO_KEY)):
        for stop in range(first, len(GO_KEY) + 1):
            if stop - first != len(GO_KEY):
                with pytest.raises(BadVerifierKey):
                    note.VerifierKey.parse(GO_KEY[first:stop])
        with pytest.raises(BadVerifierKey):
            changed = chr(ord(GO_KEY[first]) + 1)
            note.VerifierKey.parse(GO_KEY[:first] + changed + GO_KEY[first + 1 :])
    for kind in (0, 2, 255):
        key = note.VerifierKey("a", kind, bytes(32))  # type: ignore[arg-type]
        with pytest.raises(BadVerifierKey):
            note.VerifierKey.parse(str(key))
    with pytest.raises(BadVerifierKey):
        note.VerifierKey.parse(str(LOG_KEY) + "A" * 1_000)


@pytest.mark.parametrize("kind", note.SignatureType)
def test_verifier_keys_round_trip(kind: note.SignatureType) -> None:
    """Goal: the text form is whole. Method: write and read a key of each type."""
    key = note.verifier_of(KEY, "w.example/\u57ce", kind)
    assert note.VerifierKey.parse(str(key)) == key


@given(
    origin=st.text(min_size=1, max_size=40),
    size=st.integers(0, 2**62),
    root=st.binary(min_size=32, max_size=32),
    extensions=st.lists(st.text(min_size=1, max_size=40), max_size=3),
)
def test_checkpoints_round_trip(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    """Goal: what is written is read, or refused first. Method: any origin and lines."""
    head = Checkpoint(origin, size, Digest(root), tuple(extensions))
    try:
        signed = sign_checkpoint(head, KEY, ORIGIN)
    except BadArgument:
        return
    assert verify_checkpoint(signed.encode(), [LOG_KEY])[0] == head


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode())))
def test_garbage_raises_no_other_error(data: bytes) -> None:
    """Goal: no surprise for a server. Method: any bytes where notes and keys are read."""
    for read in (
        lambda: verify_checkpoint(data, [LOG_KEY]),
        lambda: note.VerifierKey.parse(data.decode(errors="replace")),
    ):
        with pytest.raises(TrineError):
            read()


def test_what_cannot_sign_a_note() -> None:
    """Goal: no note that others refuse. Method: other keys, names, texts and times."""
    for ask in (
        lambda: note.sign("text", KEY, ORIGIN),
        lambda: note.sign("te\txt\n", KEY, ORIGIN),
        lambda: note.sign("text\n", KEY, "a b"),
        lambda: note.sign("text\n", KEY, ""),
        lambda: note.sign("text\n", SecretKey("p256", bytes(31) + b"\x01"), ORIGIN),
        lambda: note.cosign("text\n", WITNESS, "w.example", -1),
        lambda: note.cosign("text\n", WITNESS, "w.example", 2**63),
        lambda: sign_checkpoint(HEAD._replace(size=-1), KEY),
        lambda: sign_checkpoint(HEAD._replace(origin="a\nb"), KEY, ORIGIN),
    ):
        with pytest.raises(BadArgument):
            ask()
