"""Read what a form of a page sends, within named limits.

>>> form = read_form(b"purpose=TREAT&person=a&person=b")
>>> form.text("purpose"), form.all("person"), form.text("reason")
('TREAT', ['a', 'b'], '')
"""

from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from trine.errors import BadArgument
from trine.errors.pages import FormTooLarge, PageNotFound
from trine.model.identifiers import Digest

FORM_BYTES_MAX: Final = 64 * 1_024
"""Bytes of a form."""
FIELDS_MAX: Final = 1_000
"""Fields of a form."""
FORM_TYPE: Final = "application/x-www-form-urlencoded"
NUMBER_DIGITS_MAX: Final = 9
"""Digits of a number in a form or an address."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in order."""

    fields: tuple[tuple[str, str], ...] = ()

    def text(self, name: str) -> str:
        """Return the first value of a field, without blanks around it; empty without one."""
        return next((value.strip() for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return [value for key, value in self.fields if key == name]

    def digest(self, name: str) -> Digest:
        """Return a field of 64 hexadecimal digits.

        Raises:
            PageNotFound: It is none.
        """
        return digest(self.text(name))

    def number(self, name: str) -> int:
        """Return a whole number.

        Raises:
            BadArgument: It is none.
        """
        text = self.text(name)
        if not text.isascii() or not text.isdigit() or len(text) > NUMBER_DIGITS_MAX:
            raise BadArgument(f"{name} is {text!r:.40}, expected a whole number")
        return int(text)

    def day(self, name: str) -> date | None:
        """Return a day such as 2026-11-27; nothing where the field is empty.

        Raises:
            BadArgument: It is none.
        """
        text = self.text(name)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise BadArgument(f"{name} is {text!r:.40}, expected a day: 2026-11-27") from None


def read_form(body: bytes) -> Form:
    """Read the body of a form (WHATWG URL, application/x-www-form-urlencoded).

    Raises:
        FormTooLarge: It has more than `FIELDS_MAX` fields, or is no text in UTF-8.
    """
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=FIELDS_MAX,
            errors="strict",
        )
    except ValueError:
        message = f"a form of at most {FIELDS_MAX} fields in UTF-8 is expected"
        raise FormTooLarge(message) from None
    return Form(tuple(fields))


async def receive_form(request: Request) -> Form:
    """Read the form that a request brings.

    Raises:
        FormTooLarge: It has more than `FORM_BYTES_MAX` bytes, or is no form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise FormTooLarge(f"the request brings {kind!r:.60}, expected {FORM_TYPE}")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES_MAX:
            raise FormTooLarge(f"the form has over {FORM_BYTES_MAX} bytes")
    return read_form(bytes(body))


def digest(text: str) -> Digest:
    """Read 64 hexadecimal digits of an address or a form.

    Raises:
        PageNotFound: They are none.
    """
    try:
        return Digest(bytes.fromhex(text))
    except ValueError:
        raise PageNotFound(f"{text!r:.80} names nothing here") from None
