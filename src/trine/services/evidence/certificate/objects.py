"""Put the parts of a certificate together as a PDF/A-3u file (ISO 19005-3, ISO 32000-1).

Nothing is compressed, so that the same facts give the same bytes wherever they are written, and so
that the receipt stands readable in its first object.
"""

import hashlib
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from trine.services.evidence.certificate.colour import srgb_profile
from trine.services.evidence.certificate.fonts import Font
from trine.services.evidence.certificate.page import HEIGHT, WIDTH, Page

ATTACHMENT: Final = "evidence.receipt"
"""Name of the receipt in the PDF; never one that a stranger chose."""
# The second line marks the file as binary (ISO 19005-3, 6.1.2).
MAGIC: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


@dataclass(frozen=True)
class Description:
    """What the metadata say: title, tag of the language, time to the second."""

    title: str
    language: str
    time: str


def stream(entries: bytes, content: bytes) -> bytes:
    """Return a stream object's text."""
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(content), content)


def receipt_object(receipt: bytes, time: str) -> bytes:
    """Return the object that holds the receipt."""
    digest = hashlib.md5(receipt, usedforsecurity=False).hexdigest().encode()
    about = b"/Type /EmbeddedFile /Subtype /application#2Foctet-stream "
    about += b"/Params << /ModDate (%s) /Size %d /CheckSum <%s> >>" % (
        _pdf_date(time),
        len(receipt),
        digest,
    )
    return stream(about, receipt)


def write_file(head: bytes, page: Page, receipt: bytes, about: Description) -> bytes:
    """Write the file: objects in a fixed order, the receipt first."""
    content = page.content()
    objects = [
        receipt_object(receipt, about.time),
        _catalog(about),
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 3 0 R /MediaBox [0 0 %d %d] /Contents 5 0 R "
        b"/Resources << /Font << /F1 10 0 R /F2 15 0 R >> >> >>" % (WIDTH, HEIGHT),
        stream(b"", content),
        stream(b"/Type /Metadata /Subtype /XML", _xmp(about)),
        b"<< /Type /Filespec /F (%s) /UF (%s) /Desc (Receipt of the file) "
        b"/AFRelationship /Data /EF << /F 1 0 R /UF 1 0 R >> >>"
        % (ATTACHMENT.encode(), ATTACHMENT.encode()),
        b"<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) "
        b"/Info (sRGB) /DestOutputProfile 9 0 R >>",
        stream(b"/N 3", srgb_profile()),
        *_font(page.sans, 10),
        *_font(page.serif, 15),
    ]
    identifier = hashlib.sha256(receipt + content).digest()[:16]
    return _assemble(head, objects, identifier)


def _catalog(about: Description) -> bytes:
    names = b"/Names << /EmbeddedFiles << /Names [(%s) 7 0 R] >> >>" % ATTACHMENT.encode()
    return (
        b"<< /Type /Catalog /Pages 3 0 R /Metadata 6 0 R /Lang (%s) %s /AF [7 0 R] "
        b"/OutputIntents [8 0 R] /ViewerPreferences << /DisplayDocTitle true >> >>"
        % (about.language.encode(), names)
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


def _assemble(head: bytes, objects: list[bytes], identifier: bytes) -> bytes:
    """Number the objects and write the table that finds them."""
    written = bytearray(head)
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer\n<< /Size %d /Root 2 0 R /ID [<%s> <%s>] >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        identifier.hex().encode(),
        identifier.hex().encode(),
        start,
    )
    return bytes(written)


def _pdf_date(time: str) -> bytes:
    digits = "".join(one for one in time if one.isdigit())
    return f"D:{digits}Z".encode()
