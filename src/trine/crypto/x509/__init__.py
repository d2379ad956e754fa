"""Check that a certification authority vouches for a member's key (X.509, RFC 5280).

Everything happens here, off the chain, which records only what was found: fingerprint and expiry.

>>> from trine.crypto.x509 import read_certificate
>>> from trine.errors import BadCertificate
>>> try:
...     read_certificate(b"no certificate")
... except BadCertificate as error:
...     print(error.code)
bad_certificate
"""

from trine.crypto.x509.certificate import Certificate, read_certificate, read_certificates
from trine.crypto.x509.path import MemberPath, check_member
from trine.crypto.x509.revocation import RevocationList

__all__ = [
    "Certificate",
    "MemberPath",
    "RevocationList",
    "check_member",
    "read_certificate",
    "read_certificates",
]
