"""Prove that data was there at a time: timestamps of our own authority and of any other.

Follows RFC 3161 with RFC 5816, and the same structures with SM2 and SM3 on chains of the suite
`gm`. `docs/reference/timestamps.md` lists what is accepted, every limit and every refusal.

>>> from trine.services.evidence.timestamp import Imprint, Request, made_up_authority, verify
>>> now_ms = 1_700_000_000_000
>>> authority, root = made_up_authority("ed25519", now_ms=now_ms)
>>> asked = Request(Imprint.of_data(b"a contract"), nonce=7)
>>> answer = authority.answer(asked.to_der(), now_ms=now_ms, serial=1)
>>> found = verify(answer, data=b"a contract", roots=[root], nonce=7)
>>> found.time_ms, found.serial, found.signer.subject
(1700000000000, 1, 'CN=Example timestamp authority,O=Example')
"""

from trine.services.evidence.timestamp.algorithms import (
    Imprint,
    hash_chunks,
    header_imprint,
    record_imprint,
)
from trine.services.evidence.timestamp.authority import Authority
from trine.services.evidence.timestamp.folder import found_authority, open_authority
from trine.services.evidence.timestamp.keys import AuthorityKey
from trine.services.evidence.timestamp.limits import REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX
from trine.services.evidence.timestamp.made_up import made_up_authority
from trine.services.evidence.timestamp.request import Request, new_nonce
from trine.services.evidence.timestamp.response import Response
from trine.services.evidence.timestamp.verify import (
    Timestamp,
    stated_hash,
    stated_imprint,
    token_of,
    verify,
)

__all__ = [
    "REQUEST_BYTES_MAX",
    "RESPONSE_BYTES_MAX",
    "Authority",
    "AuthorityKey",
    "Imprint",
    "Request",
    "Response",
    "Timestamp",
    "found_authority",
    "hash_chunks",
    "header_imprint",
    "made_up_authority",
    "new_nonce",
    "open_authority",
    "record_imprint",
    "stated_hash",
    "stated_imprint",
    "token_of",
    "verify",
]
