"""Write the certificates of signed statements, take their parts out, and verify them.

Such a certificate carries the transparent statement, and the keys with which it was checked: so it
can be checked as it is. Whoever verifies brings keys of his own, or compares those inside.
"""

import hashlib
import re
from typing import Final, NamedTuple

from trine.client.verification import Trust, VerifiedProof, verify_proof
from trine.crypto.x509 import Certificate, read_certificates
from trine.errors.services import (
    BadHeader,
    CertificateDiffers,
    CertificateTooLarge,
    CertificateVersion,
    NotACertificate,
    ReceiptMissing,
)
from trine.services.evidence import checking, issuing, keys, receipt, statement
from trine.services.evidence.certificate import objects, statement_words, words
from trine.services.evidence.certificate.code import CHAIN_PREFIX_BYTES, Code, compare_code
from trine.services.evidence.certificate.document import STATEMENT_VERSION, unknown_form
from trine.services.evidence.certificate.statement_page import Facts, draw
from trine.types.calls import PublicKey

STATEMENT: Final = "evidence.statement"
"""Name of the transparent statement in the PDF."""
ISSUER_KEY: Final = "issuer-key.txt"
"""Name of the issuer's key in the PDF, where it is known by that."""
ISSUER_ROOT: Final = "issuer-root.pem"
"""Name of the certificate that vouches for the issuer in the PDF, where it is known by its own."""
SERVICE_KEYS: Final = "service-keys.cbor"
"""Name of the service's keys in the PDF, a COSE key set."""
ATTACHMENTS: Final = 3
"""Files in such a certificate."""
STATEMENT_CERTIFICATE_BYTES_MAX: Final = statement.TRANSPARENT_BYTES_MAX + 1024 * 1024
"""Bytes of a certificate: a transparent statement, and keys, fonts and page around it."""

_WORDS: Final = {"en": statement_words.ENGLISH, "zh": statement_words.CHINESE}
_START: Final = re.compile(
    re.escape(objects.MAGIC) + rb"%trine-certificate ([1-9][0-9]{0,5}) ([a-z]{2})\n"
)
_FUNCTIONS: Final = {-16: "SHA-256", -43: "SHA-384", -44: "SHA-512"}


class Known(NamedTuple):
    """Whom to believe about a statement.

    Attributes:
        issuer_key: Key of the issuer; or else the next.
        issuer_roots: Certificates that vouch for the issuer, whose own the statement brings.
        service_keys: Keys of the service.
    """

    issuer_key: PublicKey | None = None
    issuer_roots: tuple[Certificate, ...] = ()
    service_keys: tuple[PublicKey, ...] = ()


class Proven(NamedTuple):
    """What a transparent statement shows.

    Attributes:
        checked: Statement, receipts, and certificates of the issuer.
        first: The receipt whose block is the earliest.
        chain: What the chain proves of that.
        key: Key that signed the statement.
        services: Keys of services that were used.
    """

    checked: checking.Checked
    first: checking.Shown
    chain: VerifiedProof
    key: PublicKey
    services: tuple[PublicKey, ...]


class VerifiedStatement(NamedTuple):
    """A certificate that was verified.

    Attributes:
        proven: What its statement shows.
        code: What its QR code says.
        compare: SHA-256 of the keys in it that nobody brought in their place, by their names.
    """

    proven: Proven
    code: Code
    compare: dict[str, str]


def prove_statement(data: bytes, trust: Trust, known: Known) -> Proven:
    """Verify a transparent statement as of the time at which it was recorded.

    Args:
        data: Transparent statement.
        trust: Whom to believe about the chain.
        known: Whom to believe about issuer and service.

    Raises:
        ReceiptMissing: No receipt has the chain's proof.
        TrineError: As `checking.check`.
    """
    read = [receipt.read_receipt(one) for one in statement.receipts_of(data)]
    proofs = [one.chain_proof for one in read if one.chain_proof is not None]
    if not proofs:
        raise ReceiptMissing("no receipt of the statement has the chain's proof: ask the service")
    # A certificate is held for years: what counts is whether it was in force when it was recorded.
    recorded_ms = min(verify_proof(one, trust).time_ms for one in proofs)
    checked = checking.check(
        data,
        issuer_key=known.issuer_key,
        issuer_roots=known.issuer_roots,
        service_keys=known.service_keys,
        trust=trust,
        now_s=recorded_ms // 1_000,
    )
    shown = [(one.chain.time_ms, one, one.chain) for one in checked.receipts if one.chain]
    _, first, chain = min(shown, key=lambda one: one[0])
    key = known.issuer_key or PublicKey(*issuing.certificates_of(checked.statement)[0].key)
    names = {one.receipt.key_id for one in checked.receipts}
    used = {(one.algorithm, one.key): one for one in known.service_keys if one.key in names}
    return Proven(checked, first, chain, key, tuple(used[one] for one in sorted(used)))


def write_statement_certificate(
    data: bytes, trust: Trust, known: Known, *, language: str = "en"
) -> bytes:
    """Make the certificate of a transparent statement.

    The same arguments give the same bytes; times are those of the block and of the statement, never
    of a clock.

    Args:
        data: The transparent statement; it is verified first.
        trust: Trust file of whoever makes the certificate.
        known: Key or roots of the issuer, and keys of the service.
        language: Language of the page: `en` or `zh`.

    Raises:
        ReceiptMissing: No receipt has the chain's proof.
        Unsupported: A package of `trine[platform]` is missing.
        TrineError: The statement does not hold, as `checking.check`.
    """
    return _write(data, trust, prove_statement(data, trust, known), language)


def _write(data: bytes, trust: Trust, proven: Proven, language: str) -> bytes:
    said = _WORDS[language]
    page = draw(_facts(trust, proven), said)
    title = f"{said.title}: {proven.checked.statement.subject}"
    kept = "".join(one if one.isprintable() else "\ufffd" for one in title)
    about = objects.Description(kept, said.common.tag, words.iso_time(proven.chain.time_ms))
    head = objects.MAGIC + b"%%trine-certificate %d %s\n" % (STATEMENT_VERSION, language.encode())
    return objects.write_file(head, page, _attachments(data, proven), about)


def _attachments(data: bytes, proven: Proven) -> list[objects.Attachment]:
    """Return statement and keys; of keys only those that were used."""
    path = proven.checked.path
    if path is None:
        text = f"{proven.key.algorithm}:{proven.key.key.hex()}\n".encode()
        issuer = objects.Attachment(ISSUER_KEY, text, "text/plain", "Key of the issuer")
    else:
        pem, kind = path.authority.to_pem(), "application/pem-certificate-chain"
        issuer = objects.Attachment(ISSUER_ROOT, pem, kind, "Root certificate for the issuer")
    services = keys.cose_key_set(list(proven.services))
    return [
        objects.Attachment(STATEMENT, data, "application/cose", "Transparent statement"),
        issuer,
        objects.Attachment(SERVICE_KEYS, services, "application/cose-key-set", "Service keys"),
    ]


def _facts(trust: Trust, proven: Proven) -> Facts:
    checked = proven.checked
    said = checked.statement
    function, digest = "SHA-256", hashlib.sha256(said.payload).digest()
    if said.payload_hash is not None:
        function, digest = _FUNCTIONS[said.payload_hash], said.payload
    return Facts(
        statement=said,
        key=proven.key,
        path=checked.path,
        function=function,
        digest=digest,
        service=proven.first.receipt.issuer or "",
        chain=proven.chain,
        chain_id=trust.chain_id,
        code=_code(trust, proven).text(),
    )


def _code(trust: Trust, proven: Proven) -> Code:
    chain = proven.chain
    log, index, entry = (chain.fact[name] for name in ("log", "index", "entry"))
    return Code(trust.chain_id[:CHAIN_PREFIX_BYTES], log, index, int(chain.height), bytes(entry))


def is_statement_certificate(content: bytes) -> bool:
    """Say whether a PDF begins as the certificate of a statement."""
    found = _START.match(content)
    return found is not None and int(found[1]) == STATEMENT_VERSION


class Parts(NamedTuple):
    """What a certificate has inside, none of it verified.

    Attributes:
        language: Language of its page.
        data: Transparent statement.
        known: Keys with which it was made.
        files: Keys as they stand in it, by their names.
    """

    language: str
    data: bytes
    known: Known
    files: dict[str, bytes]


def read_statement_certificate(content: bytes) -> Parts:
    """Take statement and keys out of a certificate, without believing anything of its page.

    Raises:
        CertificateTooLarge: More than `STATEMENT_CERTIFICATE_BYTES_MAX`.
        CertificateVersion: Of a language that this release does not know.
        NotACertificate: Another PDF, or one that a program saved again.
        BadHeader, BadCertificate: The keys in it are none.
    """
    if len(content) > STATEMENT_CERTIFICATE_BYTES_MAX:
        raise CertificateTooLarge(
            f"over {STATEMENT_CERTIFICATE_BYTES_MAX} bytes, more than one has"
        )
    found = _START.match(content)
    if found is None or int(found[1]) != STATEMENT_VERSION:
        raise NotACertificate("the PDF is no certificate of a statement as Trine makes it")
    language = found[2].decode()
    if language not in _WORDS:
        raise CertificateVersion(unknown_form(STATEMENT_VERSION, language))
    attached = objects.read_attached(content, found.end(), ATTACHMENTS)
    if len(attached) != ATTACHMENTS:
        message = "the PDF lacks its statement or keys: where a program saved it again, take "
        raise NotACertificate(f"{message}{STATEMENT} out of it and verify that")
    data, issuer, services = attached
    name = ISSUER_ROOT if issuer.startswith(b"-----BEGIN") else ISSUER_KEY
    service_keys = tuple(checking.read_key_set(services))
    if name == ISSUER_ROOT:
        known = Known(None, tuple(read_certificates(issuer)), service_keys)
    else:
        known = Known(_read_key(issuer), (), service_keys)
    return Parts(language, data, known, {name: issuer, SERVICE_KEYS: services})


def _read_key(content: bytes) -> PublicKey:
    try:
        algorithm, _, digits = content.decode("ascii").strip().partition(":")
        return PublicKey(algorithm, bytes.fromhex(digits))
    except ValueError:
        raise BadHeader(f"{ISSUER_KEY} in the PDF is no key: expected ALGORITHM:HEX") from None


def verify_statement_certificate(
    content: bytes, trust: Trust, own: Known | None = None
) -> VerifiedStatement:
    """Check that the statement in a certificate holds, and that the page says what is proven.

    It is checked with the keys that it brings, and the page is made again from what that proves and
    must be the same byte for byte. Then it is checked with those keys that the caller brings.

    Args:
        content: The PDF.
        trust: Whom to believe about the chain.
        own: Whom to believe about issuer and service, in the place of what the PDF brings.

    Raises:
        CertificateDiffers: The page shows something else, or was made with other fonts.
        CertificateTooLarge, CertificateVersion, NotACertificate: As `read_statement_certificate`.
        TrineError: The statement does not hold, as `checking.check`.
    """
    parts, brought = read_statement_certificate(content), own or Known()
    proven = prove_statement(parts.data, trust, parts.known)
    expected = _write(parts.data, trust, proven, parts.language)
    if content != expected:
        raise CertificateDiffers(objects.difference(content, expected, attachments=ATTACHMENTS))
    believed, compare = parts.known, dict(parts.files)
    if brought.issuer_key is not None or brought.issuer_roots:
        believed = believed._replace(
            issuer_key=brought.issuer_key, issuer_roots=brought.issuer_roots
        )
        compare = {SERVICE_KEYS: compare[SERVICE_KEYS]}
    if brought.service_keys:
        believed = believed._replace(service_keys=brought.service_keys)
        del compare[SERVICE_KEYS]
    if believed != parts.known:
        proven = prove_statement(parts.data, trust, believed)
    digests = {name: hashlib.sha256(file).hexdigest() for name, file in compare.items()}
    return VerifiedStatement(proven, _code(trust, proven), digests)


def check_statement_code(text: str, found: VerifiedStatement) -> None:
    """Check that the text of a QR code leads to the entry of a verified certificate.

    Raises:
        BadCertificateCode: It is no such text, or has a slip.
        CertificateDiffers: It leads elsewhere.
    """
    compare_code(text, found.code)
