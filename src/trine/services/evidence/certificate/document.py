"""Write certificates, take the receipt out of one, and verify one."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from trine.client.verification import Trust, Verified, hash_files, verify_digest
from trine.errors import ProofTooLarge
from trine.errors.services import (
    CertificateDiffers,
    CertificateTooLarge,
    CertificateVersion,
    NotACertificate,
)
from trine.services.evidence.certificate import objects, words
from trine.services.evidence.certificate.code import CHAIN_PREFIX_BYTES, Code, compare_code
from trine.services.evidence.certificate.origin import PROOFS, Origin, prove_origin
from trine.services.evidence.certificate.page import Facts, draw
from trine.types import Digest
from trine.types.limits import PROOF_BYTES_MAX

Language = Literal["en", "zh"]
"""Language of the page."""

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
ATTACHMENT: Final = "evidence.receipt"
"""Name of the receipt in the PDF."""
ORIGIN_ATTACHMENTS: Final = ("transaction.proof", "account.proof", "organisation.proof")
"""Names of the proofs by whom it was recorded, in the order of `origin.prove_origin`."""
VERSION: Final = 1
"""Form of the page and the file; it rises with every change of a byte that they have."""
STATEMENT_VERSION: Final = 2
"""Form of the certificates of statements, which `signed` makes and reads."""
ORIGIN_VERSION: Final = 3
"""Form of a file's certificate that also shows by whom it was recorded."""
CERTIFICATE_BYTES_MAX: Final = PROOF_BYTES_MAX + 1024 * 1024
"""Bytes of a certificate: its proofs together, and fonts and page around them."""

_WORDS: Final = {"en": words.ENGLISH, "zh": words.CHINESE}
_FUNCTIONS: Final = {"intl": "SHA-256", "gm": "SM3"}
# Everything that comes before the receipt; the language may be known to a later release only.
_START: Final = re.compile(
    re.escape(objects.MAGIC)
    + rb"%trine-certificate ([1-9][0-9]{0,5}) ([a-z]{2})\n"
    + rb"1 0 obj\n<< /Type /EmbeddedFile [ -~]{1,200} /Length ([1-9][0-9]{0,9}) >>\nstream\n"
)


class Parts(NamedTuple):
    """What a certificate has inside, none of it verified.

    Attributes:
        language: Language of its page.
        receipt: The receipt.
        by_whom: Proofs by whom it was recorded, as `origin.prove_origin` takes them; or nothing.
    """

    language: str
    receipt: bytes
    by_whom: tuple[bytes, ...] = ()


def write_certificate(
    receipt: bytes,
    trust: Trust,
    *,
    digest: Digest,
    size: int,
    language: Language = "en",
    by_whom: Sequence[bytes] = (),
) -> bytes:
    """Make the certificate of a file from its receipt.

    The same arguments give the same bytes; times are those of the block, never of a clock.

    Args:
        receipt: The `.receipt` file; it is verified first.
        trust: Trust file of whoever makes the certificate.
        digest: Digest of the file, by the hash function of the chain.
        size: Bytes of the file.
        language: Language of the page.
        by_whom: Proofs by whom it was recorded, as `origin.fetch_origin` gets them; with them the
            certificate has form 3.

    Raises:
        FileAltered, ProofMismatch, WrongTrust: The receipt does not prove this file.
        NotAProof, ProofTruncated, ProofTooLarge: The receipt or another proof is none.
        OriginMismatch: The proofs by whom are about another entry.
        Unsupported: A package of `trine[platform]` is missing.
    """
    found = verify_digest(digest, size, receipt, trust)
    return _write(receipt, trust, found, language, tuple(by_whom))


def _write(
    receipt: bytes,
    trust: Trust,
    found: Verified,
    language: str,
    by_whom: tuple[bytes, ...] = (),
) -> bytes:
    said = _WORDS[language]
    origin = prove_origin(by_whom, found, trust) if by_whom else None
    page = draw(_facts(found, trust, origin), said)
    title = f"{said.title}: {found.name}"
    kept = "".join(one if one.isprintable() else "\ufffd" for one in title)
    about = objects.Description(kept, said.tag, words.iso_time(found.time_ms))
    attached = [
        objects.Attachment(ATTACHMENT, receipt, "application/octet-stream", "Receipt of the file")
    ]
    attached += [
        objects.Attachment(name, proof, "application/cbor", "Proof by whom it was recorded")
        for name, proof in zip(ORIGIN_ATTACHMENTS, by_whom, strict=False)
    ]
    version = ORIGIN_VERSION if by_whom else VERSION
    head = objects.MAGIC + b"%%trine-certificate %d %s\n" % (version, language.encode())
    return objects.write_file(head, page, attached, about)


def _facts(found: Verified, trust: Trust, origin: Origin | None) -> Facts:
    code = _code(found, trust).text()
    return Facts(found, trust.chain_id, _FUNCTIONS[trust.suite], code, origin)


def read_certificate(content: bytes) -> bytes:
    """Take the receipt out of a certificate, without believing anything of its page.

    The receipt is the first object, uncompressed; the rest of the PDF is not looked at. To compare
    the page with the receipt is `verify_certificate`'s task.

    Raises:
        CertificateTooLarge: More than `CERTIFICATE_BYTES_MAX`.
        CertificateVersion: Of a form that this release does not know.
        NotACertificate: Another PDF, or one that a program saved again.
    """
    return read_parts(content).receipt


def read_parts(content: bytes) -> Parts:
    """Take language and proofs out of a certificate, without believing anything of its page.

    Raises:
        CertificateTooLarge, CertificateVersion, NotACertificate: As `read_certificate`.
    """
    if len(content) > CERTIFICATE_BYTES_MAX:
        raise CertificateTooLarge(f"the PDF has more than {CERTIFICATE_BYTES_MAX} bytes")
    found = _START.match(content)
    if found is None:
        raise NotACertificate(
            "the PDF is no certificate as Trine makes it: where a program saved it again, take "
            f"{ATTACHMENT} out of it and verify that"
        )
    version, language, length = int(found[1]), found[2].decode(), int(found[3])
    if version == STATEMENT_VERSION:
        raise NotACertificate("the PDF is the certificate of a statement, and has no receipt file")
    if version not in (VERSION, ORIGIN_VERSION) or language not in _WORDS:
        raise CertificateVersion(unknown_form(version, language))
    if length > PROOF_BYTES_MAX:
        raise ProofTooLarge(f"the receipt in the PDF has more than {PROOF_BYTES_MAX} bytes")
    receipt = content[found.end() : found.end() + length]
    if len(receipt) < length:
        raise NotACertificate("the PDF ends inside its receipt")
    if version == VERSION:
        return Parts(language, receipt)
    first = content.index(b"1 0 obj", 0, found.end())
    _, *by_whom = objects.read_attached(content, first, 1 + PROOFS) or [receipt]
    if len(by_whom) != PROOFS:
        raise NotACertificate("the PDF lacks proofs by whom the file was recorded")
    return Parts(language, receipt, tuple(by_whom))


def unknown_form(version: int, language: str) -> str:
    """Say what is not known of a certificate's form."""
    known = f"forms {VERSION} to {ORIGIN_VERSION} in {' and '.join(LANGUAGES)}"
    return f"the certificate has form {version} in language {language}, this release knows {known}"


def verify_certificate(path: Path, content: bytes, trust: Trust) -> Verified:
    """Check that a file is the one of a certificate, and that the page says what is proven.

    The page is made again from the receipt and must be the same byte for byte: words, picture,
    fonts and everything between them.

    Raises:
        CertificateDiffers: The page shows something else, or was made with other fonts.
        CertificateTooLarge, CertificateVersion, NotACertificate: As `read_certificate`.
        FileAltered, ProofMismatch, WrongTrust: The receipt does not prove this file.
        OriginMismatch: The proofs by whom in it are about another entry.
        NotAProof, ProofTruncated, ProofTooLarge: The PDF holds no receipt, or no proofs.
        UnreadableFile: The file cannot be read.
        Unsupported: A package of `trine[platform]` is missing.
    """
    language, receipt, by_whom = read_parts(content)
    ((digest, size),) = hash_files(trust.suite, [path])
    found = verify_digest(digest, size, receipt, trust)
    expected = _write(receipt, trust, found, language, by_whom)
    if content != expected:
        count = 1 + len(by_whom)
        raise CertificateDiffers(objects.difference(content, expected, attachments=count))
    return found


def origin_of(content: bytes, found: Verified, trust: Trust) -> Origin | None:
    """Return by whom the entry of a verified certificate was recorded, where it proves that.

    Args:
        content: The certificate.
        found: What `verify_certificate` said about it.
        trust: Trust file of the chain.

    Raises:
        OriginMismatch, ProofMismatch: As `origin.prove_origin`.
    """
    by_whom = read_parts(content).by_whom
    return prove_origin(by_whom, found, trust) if by_whom else None


def check_code(text: str, found: Verified, trust: Trust) -> None:
    """Check that the text of a QR code leads to the entry that was verified.

    Raises:
        BadCertificateCode: It is no such text, or has a slip.
        CertificateDiffers: It leads elsewhere.
    """
    compare_code(text, _code(found, trust))


def _code(found: Verified, trust: Trust) -> Code:
    prefix = trust.chain_id[:CHAIN_PREFIX_BYTES]
    return Code(prefix, int(found.log), found.index, int(found.height), bytes(found.entry))
