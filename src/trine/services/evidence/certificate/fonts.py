"""Measure text and make the font programs that a certificate carries: only its own glyphs.

The fonts are Noto Sans SC and Noto Serif SC (SIL Open Font License 1.1), in the package
`pylopdf-fonts-zh-cn`; they have Latin, Greek and Cyrillic letters and about 30,000 Chinese ones.
"""

import hashlib
import importlib.resources
import io
from functools import cache
from typing import Final

from fontTools import subset
from fontTools.ttLib import TTFont

from trine.errors import Unsupported

PACKAGE: Final = "pylopdf_fonts_zh_cn"
FILES: Final = {"sans": "NotoSansSC-Regular.otf", "serif": "NotoSerifSC-Regular.otf"}
EM: Final = 1000
"""Units of a font's design that make its size."""


class Font:
    """One font, and which of its glyphs a page has used.

    Attributes:
        name: Name of the font in the PDF, with a tag for its choice of glyphs once it is made.
    """

    def __init__(self, style: str) -> None:
        """Open the font of a style: `sans` or `serif`.

        Raises:
            Unsupported: The package with the fonts is missing.
        """
        self._style = style
        self._content = _load(style)
        self._table, self._widths = _measures(style)
        self._used: dict[str, int] = {}

    def has(self, character: str) -> bool:
        """Tell whether the font has a glyph of this character."""
        return ord(character) in self._table

    def width(self, text: str) -> int:
        """Return the width of a text in thousandths of its size."""
        return sum(self._widths[self._table[ord(character)]] for character in text)

    def encode(self, text: str) -> bytes:
        """Return the text as a page shows it, and keep its glyphs."""
        for character in text:
            self._used[character] = self._table[ord(character)]
        return b"<" + b"".join(b"%04X" % self._used[character] for character in text) + b">"

    @property
    def name(self) -> str:
        """Name of the font, with a tag for its choice of glyphs (ISO 32000-1, 9.6.4)."""
        digest = hashlib.sha256("".join(sorted(self._used)).encode()).digest()
        tag = "".join(chr(ord("A") + byte % 26) for byte in digest[:6])
        return f"{tag}+{FILES[self._style].removesuffix('.otf')}"

    def program(self) -> bytes:
        """Return the font program: a CFF table with the glyphs that were used."""
        # Names and layout are not for a page that is already set.
        options = subset.Options(
            layout_features=[], name_IDs=[], hinting=False, desubroutinize=True, notdef_outline=True
        )
        font = TTFont(io.BytesIO(self._content), lazy=True)
        chosen = subset.Subsetter(options)
        chosen.populate(text="".join(sorted(self._used)))
        chosen.subset(font)
        written = io.BytesIO()
        font.save(written, reorderTables=None)
        return bytes(TTFont(io.BytesIO(written.getvalue()), lazy=True).reader["CFF "])

    def widths(self) -> bytes:
        """Return the array /W: the width of each glyph that was used."""
        glyphs = sorted(set(self._used.values()))
        return b"[" + b" ".join(b"%d [%d]" % (one, self._widths[one]) for one in glyphs) + b"]"

    def to_unicode(self) -> bytes:
        """Return the table that leads from glyphs back to characters (ISO 32000-1, 9.10.3)."""
        by_glyph = sorted({glyph: text for text, glyph in sorted(self._used.items())}.items())
        pairs = [b"<%04X> <%s>\n" % (glyph, _utf16(text)) for glyph, text in by_glyph]
        parts = [pairs[first : first + 100] for first in range(0, len(pairs), 100)]
        maps = b"".join(
            b"%d beginbfchar\n%sendbfchar\n" % (len(part), b"".join(part)) for part in parts
        )
        return (
            b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
            b"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
            b"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
            b"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
            + maps
            + b"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
        )


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be").hex().upper().encode()


@cache
def _load(style: str) -> bytes:
    try:
        return (importlib.resources.files(PACKAGE) / FILES[style]).read_bytes()
    except (ImportError, OSError) as error:
        message = "the fonts of certificates are missing: pip install 'trine[platform]'"
        raise Unsupported(message) from error


@cache
def _measures(style: str) -> tuple[dict[int, int], dict[int, int]]:
    """Return the glyph of each character and the width of each glyph, by the font's own numbers."""
    font = TTFont(io.BytesIO(_load(style)), lazy=True)
    order = {name: _number(name) for name in font.getGlyphOrder()}
    table = {code: order[name] for code, name in font.getBestCmap().items()}
    metrics = font["hmtx"].metrics
    return table, {number: metrics[name][0] for name, number in order.items()}


def _number(name: str) -> int:
    """Return the number of a glyph (CID), which fonts with CIDs have in its name."""
    return 0 if name == ".notdef" else int(name.removeprefix("cid"))
