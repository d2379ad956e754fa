"""Read a token: signed data (RFC 5652) around what the authority states (RFC 3161).

What is read here is sound in its form; whether to believe it is decided in `verify`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from asn1crypto import cms, core, tsp, x509

from trine.errors import NotATimestamp, TimestampTooLarge, UnsupportedTimestamp
from trine.services.evidence.timestamp.algorithms import Imprint, hash_name
from trine.services.evidence.timestamp.der import check_der
from trine.services.evidence.timestamp.limits import (
    CERTIFICATES_MAX,
    ESS_CERTIFICATES_MAX,
    FRACTION_DIGITS_MAX,
    RESPONSE_BYTES_MAX,
)
from trine.services.evidence.timestamp.request import VERSION, read_imprint
from trine.services.evidence.timestamp.structures import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNED_DATA,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    SM2_SIGNED_DATA,
    TST_INFO,
    Attribute,
    ContentInfo,
    hash_oid,
    integer,
    is_given,
    reading,
    require_same,
)

WHAT: Final = "the timestamp"
VERSIONS: Final = {SIGNED_DATA: 3, SM2_SIGNED_DATA: 1}
"""Version of signed data whose content is no plain data (RFC 5652, section 5.1; GB/T 35275)."""
SET_TAG: Final = b"\x31"
"""Tag under which the signed attributes are hashed (RFC 5652, section 5.4)."""
SIGNER_VERSIONS: Final = {"issuer_and_serial_number": 1, "subject_key_identifier": 3}
"""Version of a signer's entry by how it names its certificate (RFC 5652, section 5.3)."""
PART_MAX: Final = 999
"""Most milliseconds, and microseconds, of an accuracy (RFC 3161, section 2.4.2)."""


@dataclass(frozen=True)
class Statement:
    """What an authority states (`TSTInfo`).

    Attributes:
        time_ms: When it was made, in Unix milliseconds; parts of one are cut off.
        serial: Its number among those of the authority.
        policy: Identifier of the policy.
        imprint: Hash of what was stamped.
        accuracy_us: Microseconds by which the time may be off; none where it is not said.
        nonce: Number of the request, where there was one.
        is_ordered: Whether the times of the authority's timestamps always give their order.
    """

    time_ms: int
    serial: int
    policy: str
    imprint: Imprint
    accuracy_us: int | None
    nonce: int | None
    is_ordered: bool


@dataclass(frozen=True)
class Binding:
    """The hash by which a token names its signer's certificate (`ESSCertID` and its second form).

    Attributes:
        hash_name: Name of the hash; `sha1` in the first form.
        digest: Hash of the certificate.
    """

    hash_name: str
    digest: bytes


@dataclass(frozen=True)
class SignerName:
    """How a token names its signer's certificate: issuer and number, or the key's identifier."""

    issuer: bytes | None
    serial: int | None
    key_identifier: bytes | None

    def is_of(self, certificate: bytes) -> bool:
        """Say whether it names a certificate, in DER (RFC 5652, section 5.3).

        Raises:
            NotATimestamp: The bytes are no certificate.
        """
        with reading("a certificate"):
            parsed = x509.Certificate.load(certificate, strict=True)
            if self.key_identifier is not None:
                return bool(parsed.key_identifier == self.key_identifier)
            issuer, serial = parsed.issuer.dump(), int(parsed.serial_number)
            return bool(issuer == self.issuer and serial == self.serial)


@dataclass(frozen=True)
class Token:
    """A token in its parts.

    Attributes:
        content: Encoding of the statement, which is hashed.
        statement: What the authority states.
        certificates: Certificates in the token, each in DER.
        signer: Name of the certificate of its signer.
        digest: Name of the hash.
        content_digest: Hash of the statement, as the signed attributes have it.
        bindings: Certificates that the signature binds itself to: at least one.
        signed: What is signed.
        signature: The signature.
        signature_oid: Identifier of its algorithm.
        parameters: Parameters of its algorithm, in DER, where there are any.
    """

    content: bytes
    statement: Statement
    certificates: tuple[bytes, ...]
    signer: SignerName
    digest: str
    content_digest: bytes
    bindings: tuple[Binding, ...]
    signed: bytes
    signature: bytes
    signature_oid: str
    parameters: bytes | None


def read_token(der: bytes) -> Token:
    """Read a token (`ContentInfo` with signed data in it).

    Raises:
        TimestampTooLarge: It is longer than `RESPONSE_BYTES_MAX` or nested too deep.
        NotATimestamp: It is not strict DER, or no timestamp.
        UnsupportedTimestamp: It uses a hash that is not supported.
    """
    check_der(der, WHAT, RESPONSE_BYTES_MAX)
    with reading(WHAT):
        outer = ContentInfo.load(der, strict=True)
        kind = str(outer["content_type"].dotted)
        if kind not in VERSIONS:
            raise NotATimestamp(f"{WHAT} is of the type {kind}, expected signed data")
        signed_data = outer["content"].parse(cms.SignedData)
        version = int(signed_data["version"])
        if version != VERSIONS[kind]:
            raise NotATimestamp(f"{WHAT} has version {version}, expected {VERSIONS[kind]}")
        content = _content(signed_data["encap_content_info"])
        signers = list(signed_data["signer_infos"])
        if len(signers) != 1:
            raise NotATimestamp(f"{WHAT} has {len(signers)} signers, expected the authority alone")
        named = [hash_oid(one, WHAT) for one in signed_data["digest_algorithms"]]
        digest_oid = hash_oid(signers[0]["digest_algorithm"], WHAT)
        if digest_oid not in named:
            raise NotATimestamp(f"{WHAT} does not name its hash beside its content")
        return _token(content, signers[0], _certificates(signed_data["certificates"]))


def _token(content: bytes, signer: Any, certificates: tuple[bytes, ...]) -> Token:
    expected = SIGNER_VERSIONS[signer["sid"].name]
    if int(signer["version"]) != expected:
        raise NotATimestamp(f"{WHAT} has a signer of another version than {expected}")
    if not is_given(signer["signed_attrs"]):
        raise NotATimestamp(f"{WHAT} has no signed attributes")
    encoded = signer["signed_attrs"].dump()
    attributes = _attributes(SET_TAG + encoded[1:])
    if _one(attributes, CONTENT_TYPE) != core.ObjectIdentifier(TST_INFO).dump():
        raise NotATimestamp(f"{WHAT} signs another type of content")
    algorithm = signer["signature_algorithm"]
    parameters = algorithm["parameters"]
    digest = core.OctetString.load(_one(attributes, MESSAGE_DIGEST), strict=True).native
    return Token(
        content=content,
        statement=read_statement(content),
        certificates=certificates,
        signer=_signer_name(signer["sid"]),
        digest=hash_name(hash_oid(signer["digest_algorithm"], WHAT), WHAT),
        content_digest=bytes(digest),
        bindings=tuple(_bindings(attributes)),
        signed=SET_TAG + encoded[1:],
        signature=bytes(signer["signature"].native),
        signature_oid=str(algorithm["algorithm"].dotted),
        parameters=parameters.dump() if is_given(parameters) else None,
    )


def _content(encapsulated: Any) -> bytes:
    # The library takes version 1 for PKCS#7, with content of any type; it is a string in both.
    read = ContentInfo.load(encapsulated.dump(), strict=True)
    kind = str(read["content_type"].dotted)
    if kind != TST_INFO:
        raise NotATimestamp(f"{WHAT} holds content of the type {kind}, expected {TST_INFO}")
    content = bytes(read["content"].parse(core.OctetString).native)
    check_der(content, "the timestamp's content", RESPONSE_BYTES_MAX)
    return content


def _certificates(choices: Any) -> tuple[bytes, ...]:
    if not is_given(choices):
        return ()
    if len(choices) > CERTIFICATES_MAX:
        raise TimestampTooLarge(f"{WHAT} holds {len(choices)} certificates, at most 16")
    return tuple(bytes(one.chosen.dump()) for one in choices if one.name == "certificate")


def _attributes(encoded: bytes) -> dict[str, bytes]:
    """Read signed attributes: the one value of each, by its type."""
    read = core.SetOf.load(encoded, spec=Attribute, strict=True)
    if any(one.dump() > two.dump() for one, two in pairwise(read)):
        raise NotATimestamp(f"{WHAT} has signed attributes that are not in the order of DER")
    found: dict[str, bytes] = {}
    for one in read:
        kind, values = str(one["type"].dotted), list(one["values"])
        if kind in found or len(values) != 1:
            raise NotATimestamp(f"{WHAT} has several values of the signed attribute {kind}")
        found[kind] = values[0].dump()
    return found


def _one(attributes: dict[str, bytes], kind: str) -> bytes:
    if kind not in attributes:
        raise NotATimestamp(f"{WHAT} lacks the signed attribute {kind}")
    return attributes[kind]


def _bindings(attributes: dict[str, bytes]) -> list[Binding]:
    """Read the hashes of the signer's certificate; the first of each list is the signer's."""
    found = []
    if SIGNING_CERTIFICATE_V2 in attributes:
        second = tsp.SigningCertificateV2.load(attributes[SIGNING_CERTIFICATE_V2], strict=True)
        first = _first(second["certs"])
        name = hash_name(hash_oid(first["hash_algorithm"], WHAT), WHAT)
        found.append(Binding(name, bytes(first["cert_hash"].native)))
    if SIGNING_CERTIFICATE in attributes:
        old = tsp.SigningCertificate.load(attributes[SIGNING_CERTIFICATE], strict=True)
        found.append(Binding("sha1", bytes(_first(old["certs"])["cert_hash"].native)))
    return found


def _first(listed: Any) -> Any:
    if not 1 <= len(listed) <= ESS_CERTIFICATES_MAX:
        raise NotATimestamp(f"{WHAT} binds itself to {len(listed)} certificates, expected 1 to 16")
    return listed[0]


def read_statement(content: bytes) -> Statement:
    """Read a `TSTInfo` (RFC 3161, section 2.4.2) that was checked to be DER.

    Raises:
        NotATimestamp: It is none.
        UnsupportedTimestamp: It has a critical extension, or a hash that is not supported.
    """
    what = "the timestamp's content"
    with reading(what):
        read = tsp.TSTInfo.load(content, strict=True)
        if int(read["version"]) != VERSION:
            raise NotATimestamp(f"{what} has version {int(read['version'])}, expected 1")
        _check_extensions(read["extensions"])
        require_same(read, content, what)
        nonce = read["nonce"]
        return Statement(
            time_ms=_milliseconds(bytes(read["gen_time"].contents)),
            serial=integer(read["serial_number"], "the serial number"),
            policy=str(read["policy"].dotted),
            imprint=read_imprint(read["message_imprint"], what),
            accuracy_us=_microseconds(read["accuracy"]),
            nonce=integer(nonce, "the nonce") if is_given(nonce) else None,
            is_ordered=bool(read["ordering"].native),
        )


def _check_extensions(extensions: Any) -> None:
    if is_given(extensions):
        for one in extensions:
            if one["critical"].native:
                oid = one["extn_id"].dotted
                raise UnsupportedTimestamp(f"the timestamp has the critical extension {oid}")


def _milliseconds(encoded: bytes) -> int:
    """Turn a GeneralizedTime in DER into Unix milliseconds."""
    whole, _, fraction = encoded.decode("ascii").removesuffix("Z").partition(".")
    if len(fraction) > FRACTION_DIGITS_MAX:
        raise NotATimestamp(f"a time with {len(fraction)} digits after the second, at most 9")
    moment = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000 + int(fraction.ljust(3, "0")[:3])


def _microseconds(accuracy: Any) -> int | None:
    if not is_given(accuracy):
        return None
    seconds, millis, micros = (
        integer(accuracy[name], "the accuracy") if is_given(accuracy[name]) else 0
        for name in ("seconds", "millis", "micros")
    )
    if seconds < 0 or not 0 <= millis <= PART_MAX or not 0 <= micros <= PART_MAX:
        raise NotATimestamp("the timestamp's accuracy is out of range")
    return seconds * 1_000_000 + millis * 1_000 + micros


def _signer_name(sid: Any) -> SignerName:
    if sid.name == "issuer_and_serial_number":
        return SignerName(sid.chosen["issuer"].dump(), int(sid.chosen["serial_number"]), None)
    return SignerName(None, None, bytes(sid.chosen.native))
