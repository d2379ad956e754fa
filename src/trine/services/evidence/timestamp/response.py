"""Write and read what a timestamp authority answers (RFC 3161, section 2.4.2).

>>> from trine.services.evidence.timestamp import Response
>>> Response.read(Response.refusal("bad_alg", "no such hash").to_der()).failures
('bad_alg',)
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from asn1crypto import core, tsp

from trine.errors import TimestampNotGranted
from trine.services.evidence.timestamp.der import check_der
from trine.services.evidence.timestamp.limits import (
    RESPONSE_BYTES_MAX,
    STATUS_TEXT_CHARACTERS_MAX,
)
from trine.services.evidence.timestamp.structures import TimeStampResp, is_given, reading

GRANTED: Final = (0, 1)
"""Statuses with a token: as asked for, and with changes."""
REJECTION: Final = 2
"""Status without a token: the failure says why."""
FAILURES: Final = {
    0: "bad_alg",
    2: "bad_request",
    5: "bad_data_format",
    14: "time_not_available",
    15: "unaccepted_policy",
    16: "unaccepted_extensions",
    17: "add_info_not_available",
    25: "system_failure",
}
"""Failure by its bit (`PKIFailureInfo`)."""
WHAT: Final = "the timestamp response"


@dataclass(frozen=True)
class Response:
    """An answer: a token, or why there is none.

    Attributes:
        status: Number of the status; 0 and 1 grant a token.
        text: The authority's own words, for people.
        failures: Names of the failures, where there is no token.
        token: The token, in DER.
    """

    status: int
    text: str = ""
    failures: tuple[str, ...] = ()
    token: bytes | None = None

    @classmethod
    def refusal(cls, failure: str, text: str) -> Self:
        """Make an answer without a token."""
        return cls(REJECTION, text[:STATUS_TEXT_CHARACTERS_MAX], (failure,))

    def to_der(self) -> bytes:
        """Encode the answer."""
        status: dict[str, Any] = {"status": self.status}
        if self.text:
            status["status_string"] = [self.text]
        if self.failures:
            status["fail_info"] = set(self.failures)
        fields: dict[str, Any] = {"status": tsp.PKIStatusInfo(status)}
        if self.token is not None:
            fields["time_stamp_token"] = core.Any.load(self.token)
        return bytes(TimeStampResp(fields).dump())

    @classmethod
    def read(cls, der: bytes) -> Self:
        """Read an answer that somebody else wrote; its token stays unread.

        Raises:
            TimestampTooLarge: It is longer than `RESPONSE_BYTES_MAX` or nested too deep.
            NotATimestamp: It is not strict DER, or no response.
        """
        check_der(der, WHAT, RESPONSE_BYTES_MAX)
        with reading(WHAT):
            parsed = TimeStampResp.load(der, strict=True)
            status, token = parsed["status"], parsed["time_stamp_token"]
            said = status["status_string"]
            words = [str(one.native) for one in said] if is_given(said) else []
            return cls(
                int(status["status"]),
                _shown(" ".join(words)),
                _failures(status["fail_info"]),
                token.dump() if is_given(token) else None,
            )

    def granted(self) -> bytes:
        """Return the token.

        Raises:
            TimestampNotGranted: There is none, or the status does not grant it.
        """
        if self.status in GRANTED and self.token is not None and not self.failures:
            return self.token
        reasons = ", ".join(self.failures) or "no reason given"
        words = f" ({self.text})" if self.text else ""
        raise TimestampNotGranted(
            f"the authority granted no timestamp: status {self.status}, {reasons}{words}"
        )


def _failures(info: Any) -> tuple[str, ...]:
    if not is_given(info):
        return ()
    bits = core.BitString.load(info.dump()).native
    return tuple(FAILURES.get(at, f"bit {at}") for at, bit in enumerate(bits[:64]) if bit)


def _shown(text: str) -> str:
    """Show somebody else's words: nothing that a terminal would obey, and not too much."""
    words = "".join(one if one.isprintable() else "?" for one in text)
    if len(words) <= STATUS_TEXT_CHARACTERS_MAX:
        return words
    return f"{words[:STATUS_TEXT_CHARACTERS_MAX]}..."
