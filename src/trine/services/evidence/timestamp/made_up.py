"""Make a timestamp authority of one's own: a root, a certificate and a key, for tests and demos.

The certificates are as RFC 3161, section 2.3, asks for; nobody but you vouches for them.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asn1crypto import keys as asn1_keys
from asn1crypto import x509

from trine.crypto.x509 import Certificate, read_certificate
from trine.services.evidence.timestamp.authority import Authority
from trine.services.evidence.timestamp.keys import AuthorityKey

DAYS: Final = 365
"""Days for which a made-up authority is valid."""
SERIAL_BITS: Final = 120
"""Bits of a certificate's number (RFC 5280, section 4.1.2.2, allows 159)."""
UTC_TIME_END: Final = 2_050
"""First year that needs four digits."""
POLICY: Final = "1.3.6.1.4.1.32473.1"
"""Policy of a made-up authority, below the number for examples (RFC 5612, section 2)."""


def made_up_authority(
    kind: str = "p256", *, now_ms: int, name: str = "Example", days: int = DAYS
) -> tuple[Authority, Certificate]:
    """Make an authority and its root.

    Args:
        kind: Kind of both keys: `p256`, `p384`, `rsa`, `ed25519` or `sm2`.
        now_ms: When the certificates begin, in Unix milliseconds.
        name: What stands in their names.
        days: Days for which they are valid.

    Returns:
        The authority, whose chain ends with its root, and the root.

    Raises:
        BadArgument: There is no such kind of key.
    """
    key = AuthorityKey.generate(kind)
    root_key = AuthorityKey.generate(kind)
    root_name = f"{name} timestamp root"
    issuer = (root_key, root_name)
    root = issue(root_key, root_name, issuer, now_ms=now_ms, days=days, is_root=True)
    own = issue(key, f"{name} timestamp authority", issuer, now_ms=now_ms, days=days)
    return Authority(key, (own, root), POLICY), root


def issue(
    key: AuthorityKey,
    name: str,
    issuer: tuple[AuthorityKey, str],
    *,
    now_ms: int,
    days: int = DAYS,
    is_root: bool = False,
    extensions: list[dict[str, Any]] | None = None,
) -> Certificate:
    """Issue a certificate (RFC 5280, section 4.1).

    Args:
        key: Key to certify.
        name: Common name of its holder.
        issuer: Key and common name of the issuer.
        now_ms: When it begins, in Unix milliseconds.
        days: Days for which it is valid.
        is_root: Whether it is for issuing certificates, else for timestamps.
        extensions: Other extensions than those that follow from `is_root`.
    """
    issuer_key, issuer_name = issuer
    # Certificates begin a day early: clocks of those who check differ.
    begin = datetime.fromtimestamp(now_ms // 1_000, UTC) - timedelta(days=1)
    algorithm = {"algorithm": issuer_key.signature_oid}
    to_be_signed = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": secrets.randbits(SERIAL_BITS) + 1,
            "signature": algorithm,
            "issuer": _name(issuer_name),
            "validity": {
                "not_before": _time(begin),
                "not_after": _time(begin + timedelta(days=days + 1)),
            },
            "subject": _name(name),
            "subject_public_key_info": asn1_keys.PublicKeyInfo.load(key.key_info),
            "extensions": extensions or _extensions(is_root),
        }
    )
    made = x509.Certificate(
        {
            "tbs_certificate": to_be_signed,
            "signature_algorithm": algorithm,
            "signature_value": issuer_key.sign(to_be_signed.dump()),
        }
    )
    return read_certificate(made.dump())


def _time(moment: datetime) -> x509.Time:
    """Write a time as RFC 5280, section 4.1.2.5, wants it: two digits of the year until 2049."""
    return x509.Time("utc_time" if moment.year < UTC_TIME_END else "general_time", moment)


def _name(common_name: str) -> x509.Name:
    return x509.Name.build({"organization_name": "Example", "common_name": common_name})


def _extensions(is_root: bool) -> list[dict[str, Any]]:
    if is_root:
        return [
            {"extn_id": "basic_constraints", "critical": True, "extn_value": {"ca": True}},
            {"extn_id": "key_usage", "critical": True, "extn_value": {"key_cert_sign", "crl_sign"}},
        ]
    return [
        {"extn_id": "key_usage", "critical": True, "extn_value": {"digital_signature"}},
        {"extn_id": "extended_key_usage", "critical": True, "extn_value": ["time_stamping"]},
    ]
