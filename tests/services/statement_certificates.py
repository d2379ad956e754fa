"""Make certificates of the golden statements, of issuers known by a key or by a certificate."""

from functools import cache
from typing import Final, NamedTuple

from tests.services import golden, issued
from trine.client.verification import Trust
from trine.crypto.x509 import read_certificates
from trine.services.evidence import certificate, cose, statement

KINDS: Final = ("key", "root", "gm")
"""Known by a key, by a certificate, and by a key on a chain of SM2."""


class Made(NamedTuple):
    """What a certificate was made of."""

    data: bytes
    trust: Trust
    known: certificate.Known

    def write(self, language: str = "en") -> bytes:
        """Make the certificate."""
        return certificate.write_statement_certificate(
            self.data, self.trust, self.known, language=language
        )


@cache
def parts(kind: str) -> Made:
    """Return a statement with those who are believed."""
    suite, algorithm = ("gm", "sm2") if kind == "gm" else ("intl", "ed25519")
    chain, key = golden.Chain(suite), golden.key_of(algorithm, 8)
    service = (cose.public_key(chain.service),)
    trust = Trust.load(chain.trust())
    if kind == "root":
        family = issued.FAMILIES[0]
        roots = read_certificates(family.roots()[f"{family.name}-roots.pem"])
        data = golden.chained(family, family.certified())
        return Made(data, trust, certificate.Known(None, tuple(roots), service))
    data = chain.transparent(golden.signed_statement(key), index=1)
    return Made(data, trust, certificate.Known(cose.public_key(key), (), service))


@cache
def made(kind: str, language: str = "en") -> bytes:
    """Make the certificate of a kind."""
    return parts(kind).write(language)


def crowded(language: str = "en") -> bytes:
    """Make a certificate whose issuer, subject and type are as long and strange as they may be."""
    chain, key = golden.Chain("intl"), golden.key_of("p256", 8)
    data = statement.sign_statement(
        bytes(64),
        key=key,
        issuer="https://issuer.example/" + "合同" * 900,
        subject="合同（终版）\u202e\ufffe😀 العقد <b>&amp; ]]> — копия" + "x" * 5_000,
        content_type="application/" + "m" * 4_000,
        issued_at_s=golden.NOW_S,
        payload_hash=-44,
    )
    found = Made(
        chain.transparent(data, index=1),
        Trust.load(chain.trust()),
        certificate.Known(cose.public_key(key), (), (cose.public_key(chain.service),)),
    )
    return found.write(language)
