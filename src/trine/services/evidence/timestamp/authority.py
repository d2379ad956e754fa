"""Stamp hashes: answer the requests of RFC 3161 with our own key.

>>> from trine.services.evidence.timestamp import Authority, Imprint, Request, made_up_authority
>>> authority, root = made_up_authority("p256", now_ms=1_700_000_000_000)
>>> asked = Request(Imprint.of_data(b"a contract"), nonce=7).to_der()
>>> answer = authority.answer(asked, now_ms=1_700_000_000_000, serial=1)
>>> from trine.services.evidence.timestamp import verify
>>> verify(answer, imprint=Imprint.of_data(b"a contract"), roots=[root], nonce=7).time_ms
1700000000000
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import cms, core, tsp, x509

from trine.crypto.x509 import Certificate
from trine.crypto.x509.path import check_time
from trine.errors import (
    BadTimestampAuthority,
    NotATimestamp,
    TimestampTooLarge,
    TrineError,
    UnsupportedTimestamp,
)
from trine.services.evidence.timestamp.algorithms import HASH_OIDS, hash_chunks
from trine.services.evidence.timestamp.keys import AuthorityKey
from trine.services.evidence.timestamp.limits import INTEGER_BYTES_MAX
from trine.services.evidence.timestamp.path import check_signer, check_signer_usage
from trine.services.evidence.timestamp.request import FAILURE, VERSION, Request
from trine.services.evidence.timestamp.response import Response
from trine.services.evidence.timestamp.structures import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNED_DATA,
    SIGNING_CERTIFICATE_V2,
    TST_INFO,
)

CHAIN_CERTIFICATES_MAX: Final = 8
"""Certificates of one authority, the root's included."""
ACCURACY_MS: Final = 1_000
"""Milliseconds by which the time may be off, unless the caller says otherwise."""


@dataclass(frozen=True)
class Authority:
    """A timestamp authority: a key, its certificate, and the policy under which it stamps.

    Attributes:
        key: Key that signs.
        chain: Certificate of the key first, then its issuers; the last one may be the root.
        policy: Identifier of the policy for requests that name none, such as `1.2.3`.
        policies: Identifiers of other policies that requests may name.
        accuracy_ms: Milliseconds by which the caller's clock may be off.
    """

    key: AuthorityKey
    chain: Sequence[Certificate]
    policy: str
    policies: frozenset[str] = field(default_factory=frozenset)
    accuracy_ms: int = ACCURACY_MS

    def __post_init__(self) -> None:
        """Check that everything fits together.

        Raises:
            BadTimestampAuthority: Key, certificates or policy are not those of an authority that
                may stamp.
        """
        if not 1 <= len(self.chain) <= CHAIN_CERTIFICATES_MAX:
            raise BadTimestampAuthority(
                f"{len(self.chain)} certificates, expected 1 to {CHAIN_CERTIFICATES_MAX}"
            )
        if self.accuracy_ms < 0:
            raise BadTimestampAuthority(f"an accuracy of {self.accuracy_ms} ms, expected 0 or more")
        if self.chain[0].key_info != self.key.key_info:
            raise BadTimestampAuthority(
                f"the key is not that of the first certificate, of {self.chain[0].subject}"
            )
        try:
            check_signer_usage(self.chain[0])
            for policy in (self.policy, *self.policies):
                core.ObjectIdentifier(policy).dump()
        except (TrineError, ValueError) as error:
            raise BadTimestampAuthority(f"the authority may not stamp: {error}") from None

    def answer(self, request_der: bytes, *, now_ms: int, serial: int) -> bytes:
        """Answer a request; never raises for what somebody else sent.

        Args:
            request_der: Request as it came.
            now_ms: Time to state, in Unix milliseconds, from a clock that is right to
                `accuracy_ms`.
            serial: Number of this token, never given before under this key; see `Serials`.

        Returns:
            The response: with a token, or with the failure of RFC 3161 that says why not.
        """
        assert serial >= 0, "serial numbers are not negative"
        assert serial.bit_length() < 8 * INTEGER_BYTES_MAX, "serial numbers are short"
        try:
            asked = Request.read(request_der)
        except UnsupportedTimestamp as error:
            return Response.refusal("bad_alg", str(error)).to_der()
        except (NotATimestamp, TimestampTooLarge) as error:
            failure = str(error.details.get(FAILURE, "bad_data_format"))
            return Response.refusal(failure, str(error)).to_der()
        policy = asked.policy or self.policy
        if policy != self.policy and policy not in self.policies:
            return Response.refusal("unaccepted_policy", "not a policy of this authority").to_der()
        try:
            self.check(now_ms)
        except TrineError:
            return Response.refusal("system_failure", "the certificate is not in force").to_der()
        return Response(0, token=self._token(asked, policy, now_ms, serial)).to_der()

    def check(self, at_ms: int) -> None:
        """Check that the certificates are in force at a time; a service does so as it starts.

        Args:
            at_ms: Unix time in milliseconds.

        Raises:
            CertificateExpired, CertificateNotYetValid, CertificateSignature,
            CertificateNotAllowed, UnknownIssuer: They are not, or do not form a path.
        """
        if len(self.chain) == 1:
            check_time(self.chain[0], at_ms)
            return
        check_signer(
            self.chain[0], roots=self.chain[-1:], intermediates=self.chain[1:-1], at_ms=at_ms
        )

    def _token(self, asked: Request, policy: str, now_ms: int, serial: int) -> bytes:
        content = self._statement(asked, policy, now_ms, serial)
        hash_algorithm = {"algorithm": HASH_OIDS[self.key.hash_name]}
        attributes = self._attributes(content)
        signer = {
            "version": 1,
            "sid": cms.SignerIdentifier(
                name="issuer_and_serial_number", value=_issuer_and_serial(self.chain[0])
            ),
            "digest_algorithm": hash_algorithm,
            "signed_attrs": attributes,
            "signature_algorithm": _algorithm(self.key),
            "signature": self.key.sign(attributes.dump()),
        }
        fields: dict[str, Any] = {
            "version": "v3",
            "digest_algorithms": [hash_algorithm],
            "encap_content_info": {
                "content_type": TST_INFO,
                "content": core.ParsableOctetString(content),
            },
            "signer_infos": [signer],
        }
        if asked.wants_certificate:
            fields["certificates"] = [
                cms.CertificateChoices("certificate", x509.Certificate.load(one.der))
                for one in self.chain
            ]
        signed = cms.SignedData(fields)
        return bytes(cms.ContentInfo({"content_type": SIGNED_DATA, "content": signed}).dump())

    def _statement(self, asked: Request, policy: str, now_ms: int, serial: int) -> bytes:
        seconds, millis = divmod(self.accuracy_ms, 1_000)
        accuracy = {"seconds": seconds, "millis": millis} if millis else {"seconds": seconds}
        subject = x509.Certificate.load(self.chain[0].der).subject
        fields: dict[str, Any] = {
            "version": VERSION,
            "policy": policy,
            "message_imprint": tsp.MessageImprint.load(asked.imprint_der),
            "serial_number": serial,
            "gen_time": datetime.fromtimestamp(now_ms // 1_000, UTC).replace(
                microsecond=now_ms % 1_000 * 1_000
            ),
            "accuracy": accuracy,
            "tsa": x509.GeneralName("directory_name", subject),
        }
        if asked.nonce is not None:
            fields["nonce"] = asked.nonce
        return bytes(tsp.TSTInfo(fields).dump())

    def _attributes(self, content: bytes) -> cms.CMSAttributes:
        name = self.key.hash_name
        binding: dict[str, Any] = {
            "cert_hash": hash_chunks(name, [self.chain[0].der]),
            "issuer_serial": _issuer_serial(self.chain[0]),
        }
        if name != "sha256":
            binding["hash_algorithm"] = {"algorithm": HASH_OIDS[name]}
        return cms.CMSAttributes(
            [
                {"type": CONTENT_TYPE, "values": [TST_INFO]},
                {"type": MESSAGE_DIGEST, "values": [hash_chunks(name, [content])]},
                {"type": SIGNING_CERTIFICATE_V2, "values": [{"certs": [binding]}]},
            ]
        )


def _issuer_and_serial(certificate: Certificate) -> dict[str, Any]:
    parsed = x509.Certificate.load(certificate.der)
    return {"issuer": parsed.issuer, "serial_number": parsed.serial_number}


def _issuer_serial(certificate: Certificate) -> dict[str, Any]:
    parsed = x509.Certificate.load(certificate.der)
    names = [x509.GeneralName("directory_name", parsed.issuer)]
    return {"issuer": names, "serial_number": parsed.serial_number}


def _algorithm(key: AuthorityKey) -> dict[str, Any]:
    return {"algorithm": key.signature_oid}
