"""Put the parts of a certificate together as a PDF/A-3u file (ISO 19005-3, ISO 32000-1).

Nothing is compressed, so that the same facts give the same bytes wherever they are written, and so
that the proof stands readable in the first objects.
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from trine.services.evidence.certificate.colour import srgb_profile
from trine.services.evidence.certificate.fonts import Font
from trine.services.evidence.certificate.page import HEIGHT, WIDTH, Page

# The second line marks the file as binary (ISO 19005-3, 6.1.2).
MAGIC: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
CONTENT: Final = 4
"""Number of the page's drawing among the objects behind the attachments."""

_ATTACHED: Final = re.compile(
    rb"[1-9] 0 obj\n<< /Type /EmbeddedFile [ -~]{1,200} /Length ([1-9][0-9]{0,9}) >>\nstream\n"
)
_BETWEEN: Final = b"\nendstream\nendobj\n"


class Attachment(NamedTuple):
    """A file inside of the PDF.

    Attributes:
        name: Its name; never one that a stranger chose.
        content: Its bytes.
        media_type: Its media type.
        about: What it is, in English.
    """

    name: str
    content: bytes
    media_type: str
    about: str


@dataclass(frozen=True)
class Description:
    """What the metadata say: title, tag of the language, time to the second."""

    title: str
    language: str
    time: str


def stream(entries: bytes, content: bytes) -> bytes:
    """Return a stream object's text."""
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(content), content)


def _attached(one: Attachment, time: str) -> bytes:
    """Return the object that holds an attachment."""
    digest = hashlib.md5(one.content, usedforsecurity=False).hexdigest().encode()
    about = b"/Type /EmbeddedFile /Subtype /%s " % one.media_type.replace("/", "#2F").encode()
    about += b"/Params << /ModDate (%s) /Size %d /CheckSum <%s> >>" % (
        _pdf_date(time),
        len(one.content),
        digest,
    )
    return stream(about, one.content)


def read_attached(content: bytes, start: int, count_max: int) -> list[bytes]:
    """Take the attachments out of a file, in their order; the one that it ends in is left away.

    Nothing is believed: whoever takes them makes the whole file again and compares.

    Args:
        content: The file.
        start: Where its first object begins.
        count_max: Attachments to take.
    """
    found: list[bytes] = []
    while len(found) < count_max and (match := _ATTACHED.match(content, start)):
        stop = match.end() + int(match[1])
        if content[stop : stop + len(_BETWEEN)] != _BETWEEN:
            break
        found.append(content[match.end() : stop])
        start = stop + len(_BETWEEN)
    return found


def difference(content: bytes, expected: bytes, *, attachments: int) -> str:
    """Say in which part a file first differs from the one that it must be."""
    stops = range(1, len(expected) + 1)
    place = bisect_left(stops, True, key=lambda stop: content[:stop] != expected[:stop])
    before = expected[:place].rfind(b" 0 obj\n")
    number = int(expected[:before].rpartition(b"\n")[2])
    fonts = 2 * attachments + 8
    if place >= len(expected):
        part = "something was added behind its end"
    elif number == attachments + CONTENT:
        part = "its words or its code are others"
    elif number in (fonts + 3, fonts + 4, fonts + 8, fonts + 9):
        part = "its fonts are others: it was changed, or made with another version of the fonts"
    else:
        part = f"its object {number} is another"
    return f"the certificate is not the one of its receipt: {part}; believe the receipt alone"


def write_file(
    head: bytes, page: Page, attachments: Sequence[Attachment], about: Description
) -> bytes:
    """Write the file: objects in a fixed order, the attachments first, in the order of names."""
    content, count = page.content(), len(attachments)
    catalog = count + 1
    first = catalog + 5
    intent = first + count
    objects = [
        *(_attached(one, about.time) for one in attachments),
        _catalog(about, attachments, catalog),
        b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (catalog + 2),
        b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R "
        b"/Resources << /Font << /F1 %d 0 R /F2 %d 0 R >> >> >>"
        % (catalog + 1, WIDTH, HEIGHT, count + CONTENT, intent + 2, intent + 7),
        stream(b"", content),
        stream(b"/Type /Metadata /Subtype /XML", _xmp(about)),
        *(
            b"<< /Type /Filespec /F (%s) /UF (%s) /Desc (%s) "
            b"/AFRelationship /Data /EF << /F %d 0 R /UF %d 0 R >> >>"
            % (one.name.encode(), one.name.encode(), one.about.encode(), number, number)
            for number, one in enumerate(attachments, 1)
        ),
        b"<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) "
        b"/Info (sRGB) /DestOutputProfile %d 0 R >>" % (intent + 1),
        stream(b"/N 3", srgb_profile()),
        *_font(page.sans, intent + 2),
        *_font(page.serif, intent + 7),
    ]
    proof = b"".join(one.content for one in attachments)
    identifier = hashlib.sha256(proof + content).digest()[:16]
    return _assemble(head, objects, catalog, identifier)


def _catalog(about: Description, attachments: Sequence[Attachment], number: int) -> bytes:
    places = [b"%d 0 R" % (number + 5 + place) for place in range(len(attachments))]
    pairs = zip(attachments, places, strict=True)
    names = b" ".join(b"(%s) %s" % (one.name.encode(), place) for one, place in pairs)
    return (
        b"<< /Type /Catalog /Pages %d 0 R /Metadata %d 0 R /Lang (%s) "
        b"/Names << /EmbeddedFiles << /Names [%s] >> >> /AF [%s] "
        b"/OutputIntents [%d 0 R] /ViewerPreferences << /DisplayDocTitle true >> >>"
        % (
            number + 1,
            number + 4,
            about.language.encode(),
            names,
            b" ".join(places),
            number + 5 + len(attachments),
        )
    )


def _font(font: Font, first: int) -> list[bytes]:
    """Return the five objects of a font, which begin at the number `first`."""
    name = font.name.encode()
    return [
        b"<< /Type /Font /Subtype /Type0 /BaseFont /%s-Identity-H /Encoding /Identity-H "
        b"/DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>" % (name, first + 1, first + 3),
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /%s /FontDescriptor %d 0 R "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
        b"/DW 1000 /W %s >>" % (name, first + 2, font.widths()),
        b"<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [-1002 -1048 2928 1808] "
        b"/ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 733 /StemV 80 /FontFile3 %d 0 R >>"
        % (name, first + 4),
        stream(b"", font.to_unicode()),
        stream(b"/Subtype /CIDFontType0C", font.program()),
    ]


def _xmp(about: Description) -> bytes:
    title = escape(about.title)
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>{about.language}</rdf:li></rdf:Bag></dc:language>
<xmp:CreateDate>{about.time}</xmp:CreateDate>
<xmp:ModifyDate>{about.time}</xmp:ModifyDate>
<xmp:MetadataDate>{about.time}</xmp:MetadataDate>
<xmp:CreatorTool>Trine</xmp:CreatorTool>
<pdfaid:part>3</pdfaid:part>
<pdfaid:conformance>U</pdfaid:conformance>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>""".encode()


def _assemble(head: bytes, objects: list[bytes], root: int, identifier: bytes) -> bytes:
    """Number the objects and write the table that finds them."""
    written = bytearray(head)
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer\n<< /Size %d /Root %d 0 R /ID [<%s> <%s>] >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        root,
        identifier.hex().encode(),
        identifier.hex().encode(),
        start,
    )
    return bytes(written)


def _pdf_date(time: str) -> bytes:
    digits = "".join(one for one in time if one.isdigit())
    return f"D:{digits}Z".encode()
