"""Write and read the file of a court pack: a ZIP whose every byte follows from its members.

Nothing is packed or dated, and nothing stands between the members, so that the same evidence gives
the same bytes, and a byte that a reader would overlook has no place to hide. A manifest lists the
digest of every other member; its seal covers the manifest itself. `docs/reference/court-pack.md`.

>>> from trine.services.evidence.pack import format as form
>>> fields = {"language": "en", "evidence": [], "without_timestamp": False}
>>> data = form.write_pack({"records/1-a.txt": b"a"}, fields)
>>> members = form.read_zip(data)
>>> list(members), form.read_manifest(members["manifest.json"])["language"]
(['manifest.json', 'records/1-a.txt'], 'en')
"""

import hashlib
import json
import re
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from trine.errors.services import (
    CourtPackDiffers,
    CourtPackTooLarge,
    CourtPackVersion,
    NotACourtPack,
)

FORMAT: Final = "trine-court-pack-v1"
"""Value of `format` in the manifest."""
FORMATS: Final = "trine-court-pack-"
"""How that value begins in every version."""
PACK_BYTES_MAX: Final = 1_024 * 1_024 * 1_024
"""Bytes of a pack."""
MEMBERS_MAX: Final = 4_096
"""Members of a pack."""
EVIDENCE_MAX: Final = 1_000
"""Receipts and statements of a pack."""
NAME_CHARACTERS_MAX: Final = 80
"""Characters that a member's name keeps of a file's."""

MANIFEST: Final = "manifest.json"
TRUST: Final = "trust.json"
REPORT: Final = "report.html"
VERIFIER: Final = "verify.py"
READ_ME: Final = "README.txt"
READ_ME_ZH: Final = "README.zh-CN.txt"
ROOTS: Final = "keys/roots.pem"
ISSUERS: Final = "keys/issuers.pem"
KEYS: Final = "keys/keys.json"
ISSUER_ROOTS: Final = "keys/issuer-roots.pem"
RECORDS: Final = "records/"
RECEIPTS: Final = "receipts/"
STATEMENTS: Final = "statements/"
TIMESTAMPS: Final = "timestamps/"
CHECKPOINTS: Final = "checkpoints/"

LOCAL: Final = b"PK\x03\x04"
"""What a member begins with (APPNOTE.TXT of PKWARE, section 4.3.7)."""
LOCAL_BYTES: Final = 30
"""Bytes of a member's head before its name."""
CENTRAL: Final = b"PK\x01\x02\x14\x03"
"""What a member's line in the table begins with; made by version 2.0 on Unix (section 4.3.12)."""
END: Final = b"PK\x05\x06"
"""What the end of the table begins with (section 4.3.16)."""
VERSION_NEEDED: Final = 20
UTF8_NAMES: Final = 0x800
"""Flag: names are UTF-8 (appendix D)."""
FIRST_DAY: Final = 33
"""The first day that a ZIP can name, 1 January 1980."""
READABLE_FILE: Final = 0x81A4_0000
"""Attributes of a file that everybody may read (Unix, 0o100644)."""

_UNSAFE: Final = re.compile(r'[<>:"/\\|?*\s]')


def member_name(name: str) -> str:
    """Make a file's name one that every system can unpack; the report shows the name itself."""
    shown = "".join(one if one.isprintable() else "_" for one in _UNSAFE.sub("_", name))
    return shown[-NAME_CHARACTERS_MAX:].strip(".") or "file"


def write_pack(members: Mapping[str, bytes], manifest: Mapping[str, Any]) -> bytes:
    """Write a pack.

    Args:
        members: All members but the manifest, by their names.
        manifest: Fields of the manifest; format, members and seal are added.

    Raises:
        CourtPackTooLarge: There are too many members, or too many bytes.
    """
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    fields = {**manifest, "format": FORMAT, "members": digests, "seal": ""}
    plain = _json(fields)
    sealed = _json({**fields, "seal": hashlib.sha256(plain).hexdigest()})
    whole = {MANIFEST: sealed, **{name: members[name] for name in sorted(members)}}
    if len(whole) > MEMBERS_MAX:
        raise CourtPackTooLarge(f"{len(whole)} members, at most {MEMBERS_MAX}")
    return write_zip(whole)


def _json(fields: Mapping[str, Any]) -> bytes:
    text = json.dumps(fields, ensure_ascii=False, indent=1, sort_keys=True)
    return f"{text}\n".encode()


def write_zip(members: Mapping[str, bytes]) -> bytes:
    """Write members as every pack has them, in their order.

    Raises:
        CourtPackTooLarge: They have more than `PACK_BYTES_MAX` bytes.
    """
    size = sum(2 * len(name.encode()) + len(content) + 128 for name, content in members.items())
    if size > PACK_BYTES_MAX:
        raise CourtPackTooLarge(f"a pack of about {size} bytes, at most {PACK_BYTES_MAX}")
    body, table = bytearray(), bytearray()
    for name, content in members.items():
        path, table_at = name.encode(), len(body)
        about = _about(path, content)
        table += CENTRAL + about + struct.pack("<3H2I", 0, 0, 0, READABLE_FILE, table_at) + path
        body += LOCAL + about + path + content
    count = len(members)
    end = struct.pack("<4s4H2IH", END, 0, 0, count, count, len(table), len(body), 0)
    return bytes(body + table + end)


def _about(path: bytes, content: bytes) -> bytes:
    size, check = len(content), zlib.crc32(content)
    head = (VERSION_NEEDED, UTF8_NAMES, 0, 0, FIRST_DAY, check, size, size, len(path), 0)
    return struct.pack("<5H3I2H", *head)


def read_zip(data: bytes) -> dict[str, bytes]:
    """Read the members of a pack, as they stand; none of them is checked.

    Raises:
        NotACourtPack: It does not begin as a pack, or a name is none of a pack.
        CourtPackTooLarge: It has too many bytes or members.
    """
    if len(data) > PACK_BYTES_MAX:
        raise CourtPackTooLarge(f"over {PACK_BYTES_MAX} bytes, more than any pack has")
    members: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == LOCAL and at + LOCAL_BYTES <= len(data):
        size, length = struct.unpack("<IH", data[at + 22 : at + 28])
        start = at + LOCAL_BYTES + length
        try:
            name = data[at + LOCAL_BYTES : start].decode()
        except UnicodeDecodeError:
            raise NotACourtPack(f"the name of a member at byte {at} is not UTF-8") from None
        members[name] = data[start : start + size]
        at = start + size
        if len(members) > MEMBERS_MAX:
            raise CourtPackTooLarge(f"over {MEMBERS_MAX} members, more than any pack has")
    if MANIFEST not in members:
        raise NotACourtPack(f"the file is no court pack: it has no {MANIFEST} as a pack has it")
    return members


def is_whole(data: bytes, members: Mapping[str, bytes]) -> bool:
    """Say whether a pack is, byte for byte, its members as every pack has them."""
    return data == write_zip(members)


def read_manifest(raw: bytes) -> dict[str, Any]:
    """Read a manifest whose seal holds and whose fields are those of a manifest.

    Raises:
        NotACourtPack: It is none.
        CourtPackVersion: It is one of another version.
        CourtPackDiffers: Its seal does not fit.
    """
    try:
        found = json.loads(raw)
        seal, version = found["seal"], found["format"]
        plain = raw.replace(str(seal).encode(), b"")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CourtPackDiffers(f"{MANIFEST} cannot be read: it was altered or damaged") from None
    if hashlib.sha256(plain).hexdigest() != seal:
        raise CourtPackDiffers(f"{MANIFEST} was altered or damaged: its seal does not fit")
    if version != FORMAT:
        if str(version).startswith(FORMATS):
            raise CourtPackVersion(f"the pack is of version {version!r}, expected {FORMAT!r}")
        raise NotACourtPack(f"format {str(version)[:80]!r}, expected {FORMAT!r}")
    if not _has_form(found):
        raise NotACourtPack(f"{MANIFEST} lacks a field, or one has another type")
    return dict(found)


def _has_form(found: Mapping[str, Any]) -> bool:
    members, evidence = found.get("members"), found.get("evidence")
    return (
        isinstance(members, dict)
        and _all_texts(members.values())
        and isinstance(evidence, list)
        and len(evidence) <= EVIDENCE_MAX
        and all(isinstance(one, list) and len(one) == 3 and _all_texts(one) for one in evidence)
        and found.get("language") in {"en", "zh"}
        and isinstance(found.get("without_timestamp"), bool)
    )


def _all_texts(values: Iterable[object]) -> bool:
    return all(isinstance(one, str) for one in values)
