"""Lay the facts out on one page of A4.

Lengths are points (1/72 inch), from the left and from the bottom. Lines that a name would need
beyond its share of the page are cut, visibly, so that everything always fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import segno

from trine.client.verification import Verified
from trine.services.evidence.certificate.fonts import EM, Font
from trine.services.evidence.certificate.origin import Origin
from trine.services.evidence.certificate.words import Words

WIDTH: Final = 595
HEIGHT: Final = 842
_LEFT: Final = 58.0
RIGHT: Final = WIDTH - 58.0
_VALUES: Final = 172.0
_CODE_SIDE: Final = 104.0
_FOOTER: Final = 48.0

_INK: Final = "0.11 0.15 0.20"
_QUIET: Final = "0.42 0.46 0.51"
_ACCENT: Final = "0.06 0.33 0.42"
_LINE: Final = "0.84 0.87 0.89"
_PALE: Final = "0.95 0.965 0.97"

_DIGITS: Final = 8
"""Hexadecimal digits of a group."""
# No line starts with these.
_CLOSING: Final = frozenset(
    "\uff0c\u3002\u3001\uff1b\uff1a\uff01\uff1f\uff09\u300b\u300d\u300f\u201d\u2019,.;:!?)]}"
)


@dataclass(frozen=True)
class Measures:
    """How tightly a page is set, in points.

    Attributes:
        body: Size of letters.
        leading: From line to line.
        gap: What a field has below it.
        row: From one line of digits to the next.
        row_gap: What digits have below them.
        groups: Groups of digits on a line.
        above: What a section has above its line.
        below: From there to its first field.
        answer: From the command to what follows it.
    """

    body: float = 9.6
    leading: float = 14.2
    gap: float = 1.4
    row: float = 13.0
    row_gap: float = 2.6
    groups: int = 4
    above: float = 10.0
    below: float = 34.0
    answer: float = 28.0


WITH_ORIGIN: Final = Measures(
    body=9.2,
    leading=12.4,
    row=11.8,
    row_gap=2.4,
    groups=6,
    above=5.0,
    below=28.0,
    answer=24.0,
)
"""Tighter, where by whom is shown too."""
ALGORITHMS: Final = {
    "ed25519": "Ed25519",
    "p256": "P-256",
    "secp256k1": "secp256k1",
    "sm2": "SM2",
}
"""Names of algorithms, for people."""


@dataclass(frozen=True)
class Facts:
    """All that a page shows; a page shows nothing else.

    Attributes:
        verified: What the receipt proves under the trust file.
        chain_id: Identifier of the chain.
        function: Name of the hash function: SHA-256 or SM3.
        code: Text of the QR code.
        origin: By whom the file was recorded, where proofs show that.
    """

    verified: Verified
    chain_id: bytes
    function: str
    code: str
    origin: Origin | None = None


def shown(text: str, font: Font) -> str:
    r"""Write what has no glyph, or cannot be seen, by its number: `\u{1F600}`."""
    visible = (one.isprintable() and font.has(one) for one in text)
    return "".join(
        one if good else f"\\u{{{ord(one):X}}}" for one, good in zip(text, visible, strict=True)
    )


class Page:
    """The page as it grows: its drawing and the fonts that it uses."""

    def __init__(self, measures: Measures | None = None) -> None:
        """Begin an empty page."""
        self.measures = measures or Measures()
        self.sans = Font("sans")
        self.serif = Font("serif")
        self._drawn: list[bytes] = []

    def content(self) -> bytes:
        """Return the page's content stream."""
        return b"\n".join(self._drawn) + b"\n"

    def write(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float | None = None,
        colour: str = _INK,
        serif: bool = False,
    ) -> None:
        """Write a line that begins at a point."""
        font, name = (self.serif, b"F2") if serif else (self.sans, b"F1")
        encoded = font.encode(shown(text, font))
        place = f"{colour} rg {x:.2f} {y:.2f} Td".encode()
        self._drawn.append(
            b"BT /%s %.2f Tf %s %s Tj ET" % (name, size or self.measures.body, place, encoded)
        )

    def fill(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Fill a rectangle."""
        self._drawn.append(f"{colour} rg {x:.2f} {y:.2f} {width:.2f} {height:.2f} re f".encode())

    def value(self, text: str, lines_max: int) -> list[str]:
        """Break the value of a field into lines."""
        return self.wrap(text, RIGHT - _VALUES, self.measures.body, lines_max)

    def wrap(self, text: str, width: float, size: float, lines_max: int = 9) -> list[str]:
        """Break a text into lines; what is beyond the last line is cut with an ellipsis."""
        room = width * EM / size
        lines = [""]
        for piece in _pieces(shown(text, self.sans)):
            # A piece wider than a line is broken anywhere.
            parts = [piece] if self.sans.width(piece) <= room else list(piece)
            for part in parts:
                if self.sans.width((lines[-1] + part).rstrip()) > room and lines[-1]:
                    lines.append("")
                lines[-1] += part if lines[-1] else part.lstrip()
            if len(lines) > lines_max:
                break
        if len(lines) > lines_max:
            lines = lines[:lines_max]
            while lines[-1] and self.sans.width(lines[-1] + "…") > room:
                lines[-1] = lines[-1][:-1]
            lines[-1] += "…"
        return [line.rstrip() for line in lines]

    def code(self, x: float, y: float, text: str) -> None:
        """Draw a QR code, its lower left corner at a point, with the quiet zone that it needs."""
        matrix = segno.make_qr(text, error="m", boost_error=False).matrix
        module = _CODE_SIDE / len(matrix)
        self._drawn.append(f"{_INK} rg".encode())
        for number, row in enumerate(matrix):
            top = y + _CODE_SIDE - (number + 1) * module
            start = 0
            while start < len(row):
                end = start
                while end < len(row) and row[end]:
                    end += 1
                if end > start:
                    across = (end - start) * module
                    box = f"{x + start * module:.3f} {top:.3f} {across:.3f} {module:.3f} re"
                    self._drawn.append(box.encode())
                start = end + 1
        self._drawn.append(b"f")


def _pieces(text: str) -> list[str]:
    """Split a text where a line may end: behind spaces, and around Chinese characters."""
    pieces = [""]
    for before, one in zip(" " + text, text, strict=False):
        wide = ord(one) >= 0x2E80 or ord(before) >= 0x2E80
        if (before == " " or wide) and one != " " and one not in _CLOSING:
            pieces.append("")
        pieces[-1] += one
    return [piece for piece in pieces if piece]


def draw(facts: Facts, words: Words) -> Page:
    """Draw the page of a certificate."""
    found, origin = facts.verified, facts.origin
    page = Page(WITH_ORIGIN if origin else None)
    lead = words.lead.format(chain=short(found.chain), time=words.time_words(found.time_ms))
    y = begin(page, words.title, lead, facts.code, words.scan)
    y = section(page, y, words.file)
    name_lines, lines, signer_lines = (2, 1, 2) if origin else (4, 2, 3)
    y = field(page, y, words.name, page.value(found.name, name_lines))
    y = field(page, y, words.size, [words.size_value.format(size=found.size)])
    y = field(page, y, words.media_type, page.value(found.media_type or words.unknown, lines))
    y = digits(page, y, facts.function, found.digest)
    y = section(page, y, words.record)
    y = field(page, y, words.time, [words.time_words(found.time_ms)])
    y = field(page, y, words.chain, page.value(found.chain, lines))
    y = digits(page, y, "", facts.chain_id)
    place = words.place_value.format(log=found.log, index=found.index, height=found.height)
    y = field(page, y, words.place, page.value(place, 2))
    y = digits(page, y, words.entry, found.entry)
    y = field(page, y, words.certified, signers(page, found.signers, words, signer_lines))
    steps, limits, footer = words.steps, words.limit_lines, words.footer
    if origin is not None:
        y = _origin(page, section(page, y, words.origin.title), origin, words)
        steps, footer = words.origin.steps, words.origin.footer
        limits = tuple(one.format(height=origin.known_height) for one in words.origin.limit_lines)
    y = how(page, section(page, y, words.how), steps, [words.command], words.answer)
    end(page, section(page, y, words.limits), limits, footer)
    return page


def _origin(page: Page, y: float, origin: Origin, words: Words) -> float:
    """Draw by whom the file was recorded."""
    said = words.origin
    name = said.organisation_value.format(name=origin.organisation, number=origin.number)
    y = field(page, y, said.organisation, page.value(name, 1))
    y = digits(page, y, said.account, origin.account)
    if origin.key is not None:
        algorithm = ALGORITHMS.get(origin.key.algorithm, origin.key.algorithm)
        y = digits(page, y, said.key.format(algorithm=algorithm), origin.key.key)
    else:
        number = said.other_key_value.format(index=origin.key_index)
        y = field(page, y, said.other_key, [number])
    return digits(page, y, said.transaction, origin.transaction)


def begin(page: Page, title: str, lead: str, code: str, scan: str) -> float:
    """Draw title, first sentence and code; returns where the page goes on."""
    page.fill(0, HEIGHT - 7, WIDTH, 7, _ACCENT)
    page.write(_LEFT, 778, "T R I N E", size=8.5, colour=_ACCENT)
    page.write(_LEFT, 738, title, size=27, serif=True)
    left = RIGHT - _CODE_SIDE
    page.code(left, HEIGHT - 52 - _CODE_SIDE, code)
    wide = page.sans.width(scan) * 7.6 / EM
    page.write(RIGHT - (_CODE_SIDE + wide) / 2, 673, scan, size=7.6, colour=_QUIET)
    y = 711.0
    for line in page.wrap(lead, left - 36 - _LEFT, 11.2, 4):
        page.write(_LEFT, y, line, size=11.2)
        y -= 17
    return 658.0


def short(name: str) -> str:
    """Cut a name for a sentence; its own line has more of it."""
    return name if len(name) <= 40 else name[:40] + "…"


def section(page: Page, y: float, title: str) -> float:
    """Begin a section; this and the following return where the page goes on."""
    y -= page.measures.above
    page.fill(_LEFT, y + 5, RIGHT - _LEFT, 0.6, _LINE)
    page.write(_LEFT, y - 12, title, size=12.2, colour=_ACCENT, serif=True)
    return y - page.measures.below


def field(page: Page, y: float, label: str, lines: list[str]) -> float:
    """Write a field: its name, and the lines of its value."""
    page.write(_LEFT, y, label, colour=_QUIET, size=9)
    for line in lines:
        page.write(_VALUES, y, line)
        y -= page.measures.leading
    return y - page.measures.gap


def digits(page: Page, y: float, label: str, value: bytes) -> float:
    """Write bytes as hexadecimal digits in groups, each group at its own place."""
    page.write(_LEFT, y, label, colour=_QUIET, size=9)
    text, across = value.hex(), page.measures.groups
    groups = [text[first : first + _DIGITS] for first in range(0, len(text), _DIGITS)]
    for number, group in enumerate(groups):
        column = _VALUES + (number % across) * 58.0
        page.write(column, y - (number // across) * page.measures.row, group)
    return y - page.measures.row * -(-len(groups) // across) - page.measures.row_gap


def signers(page: Page, names: tuple[str, ...], words: Words, lines_max: int) -> list[str]:
    """Name as many validators as some lines hold, and count the others."""
    kept: list[str] = []
    for count in range(1, len(names) + 1):
        text = words.separator.join(names[:count])
        text += words.more.format(count=len(names) - count) if count < len(names) else ""
        value = words.certified_value.format(count=len(names), names=text)
        lines = page.value(value, lines_max)
        if kept and lines[-1].endswith("…"):
            break
        kept = lines
    return kept


def how(page: Page, y: float, steps: Sequence[str], commands: Sequence[str], answer: str) -> float:
    """Draw the steps, the command and what it answers."""
    leading, wide = page.measures.leading, RIGHT - _LEFT - 14
    for number, step in enumerate(steps, 1):
        page.write(_LEFT, y, f"{number}", colour=_ACCENT, serif=True, size=10.5)
        for line in page.wrap(step, wide, page.measures.body):
            page.write(_LEFT + 14, y, line)
            y -= leading
    more = 12.0 * (len(commands) - 1)
    page.fill(_LEFT + 14, y - 12 - more, wide, 21 + more, _PALE)
    for number, command in enumerate(commands):
        page.write(_LEFT + 24, y - 4.6 - 12.0 * number, command, size=9.2)
    y -= more + page.measures.answer
    page.write(_LEFT + 14, y, answer)
    return y - leading


def end(page: Page, y: float, lines: Sequence[str], footer: str) -> None:
    """Draw what the page does not show, and its foot."""
    for line in lines:
        page.fill(_LEFT + 1, y + 2.6, 2.4, 2.4, _ACCENT)
        page.write(_LEFT + 14, y, line, colour=_QUIET, size=9)
        y -= 13
    assert y > _FOOTER, "the shares of the page are cut so that all fits"
    page.fill(_LEFT, _FOOTER, RIGHT - _LEFT, 0.6, _LINE)
    page.write(_LEFT, 35, footer, size=7.6, colour=_QUIET)
