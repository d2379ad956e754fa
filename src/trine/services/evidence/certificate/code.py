"""Write and read the text of the QR code: where an entry lies, with a check over it.

>>> code = Code(bytes(8), 7, 12, 345, bytes(32))
>>> code.text()[:40]
'TRINE:1/0000000000000000/7/12/345/000000'
>>> read_code(code.text()) == code
True
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from trine.errors.services import BadCertificateCode, CertificateDiffers

CODE_CHARACTERS_MAX: Final = 192
"""Characters of a code; the longest numbers take 165."""
CHAIN_PREFIX_BYTES: Final = 8
"""Bytes of the chain's identifier that the code has."""
CHECK_BYTES: Final = 4
"""Bytes of the check."""

_NUMBER: Final = "(0|[1-9][0-9]{0,19})"
_FORM: Final = re.compile(
    rf"TRINE:1/([0-9A-F]{{16}})/{_NUMBER}/{_NUMBER}/{_NUMBER}/([0-9A-F]{{64}})/([0-9A-F]{{8}})",
    re.ASCII,
)


@dataclass(frozen=True)
class Code:
    """What a QR code says: the place of an entry, which anybody may look up on the chain.

    Attributes:
        chain: First 8 bytes of the chain's identifier.
        log: Number of the evidence log.
        index: Index of the entry in the log.
        height: Height of the block that the receipt leads to.
        entry: The entry, a salted hash of the file.
    """

    chain: bytes
    log: int
    index: int
    height: int
    entry: bytes

    def text(self) -> str:
        """Return the text, in the characters that QR codes pack most tightly."""
        numbers = f"{self.log}/{self.index}/{self.height}"
        head = f"TRINE:1/{self.chain.hex()}/{numbers}/{self.entry.hex()}/".upper()
        return head + _check(head)


def _check(head: str) -> str:
    """Return the check: it notices a slip of a hand or a reader, not an intention."""
    return hashlib.sha256(head.encode()).digest()[:CHECK_BYTES].hex().upper()


def read_code(text: str) -> Code:
    """Read the text of a QR code, as a reader gives it; small letters and spaces around it pass.

    Raises:
        BadCertificateCode: It is no such text, or its check does not fit.
    """
    if len(text) > CODE_CHARACTERS_MAX:
        raise BadCertificateCode(
            f"the code has {len(text)} characters, at most {CODE_CHARACTERS_MAX}"
        )
    plain = text.strip().upper()
    found = _FORM.fullmatch(plain)
    if found is None:
        raise BadCertificateCode("the text is no code of a certificate: expected TRINE:1/...")
    chain, log, index, height, entry, check = found.groups()
    if _check(plain[: -len(check)]) != check:
        raise BadCertificateCode("the check at the end of the code does not fit: scan it again")
    return Code(bytes.fromhex(chain), int(log), int(index), int(height), bytes.fromhex(entry))


def compare_code(text: str, code: Code) -> None:
    """Check that the text of a QR code says the same as a code.

    Raises:
        BadCertificateCode: It is no such text, or its check does not fit.
        CertificateDiffers: It leads elsewhere.
    """
    if read_code(text) != code:
        raise CertificateDiffers("the code leads to another entry than the receipt")
