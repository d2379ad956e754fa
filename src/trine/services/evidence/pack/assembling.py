"""Put a court pack together: verify everything first, then write what was verified."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, NamedTuple

from trine.client.verification import Trust
from trine.crypto.x509 import Certificate
from trine.errors import BadArgument
from trine.errors.services import CourtPackTooLarge
from trine.services.evidence.pack import format as form
from trine.services.evidence.pack.checkpoints import (
    CHECKPOINTS_MAX,
    LogCheckpoint,
    LogEntry,
    check_checkpoint,
)
from trine.services.evidence.pack.proving import (
    Keys,
    Proven,
    Stamp,
    blocks_of,
    is_statement,
    match_timestamps,
    prove,
    require_stamped,
    roots_of,
    services_of,
)
from trine.services.evidence.pack.report import Facts, Rest, write_report
from trine.services.evidence.pack.words import LANGUAGES, READ_ME, READ_ME_ZH

SERVICE: Final = "service"
"""Use of a key that signs receipts."""
ISSUER: Final = "issuer"
"""Use of a key that signs statements."""


class Exhibit(NamedTuple):
    """A record with what proves it.

    Attributes:
        name: Name of the record's file.
        record: The file.
        proof: Its receipt file, or transparent statement.
    """

    name: str
    record: bytes
    proof: bytes


@dataclass(frozen=True)
class Timestamps:
    """What outside authorities state.

    Attributes:
        tokens: Responses or tokens of RFC 3161.
        roots: Roots of the authorities.
        certificates: Certificates between, and signers' where tokens lack them.
    """

    tokens: Sequence[bytes] = ()
    roots: Sequence[Certificate] = ()
    certificates: Sequence[Certificate] = ()


class Pack(NamedTuple):
    """A pack that was put together.

    Attributes:
        content: Its bytes.
        proven: What each exhibit proves.
        stamps: Its timestamps.
    """

    content: bytes
    proven: tuple[Proven, ...]
    stamps: tuple[Stamp, ...]


def prove_all(exhibits: Sequence[Exhibit], trust: Trust, keys: Keys) -> tuple[Proven, ...]:
    """Verify every exhibit.

    Raises:
        BadArgument: There is none.
        CourtPackTooLarge: There are more than a pack may have.
        TrineError: As `prove`; the message begins with the name of the file.
    """
    if not exhibits:
        raise BadArgument("a court pack needs at least one file with its receipt")
    if len(exhibits) > form.EVIDENCE_MAX:
        raise CourtPackTooLarge(f"{len(exhibits)} exhibits, at most {form.EVIDENCE_MAX}")
    return tuple(prove(one.name, one.record, one.proof, trust, keys) for one in exhibits)


def verifier() -> bytes:
    """Return the verifier that every pack carries."""
    return files("trine.services.evidence.pack").joinpath(form.VERIFIER).read_bytes()


def assemble(
    exhibits: Sequence[Exhibit],
    *,
    trust: Trust,
    timestamps: Timestamps,
    keys: Keys | None = None,
    checkpoints: Sequence[LogCheckpoint] = (),
    without_timestamp: bool = False,
    language: str = "en",
) -> Pack:
    """Verify everything, and write the pack.

    Args:
        exhibits: Records with what proves them.
        trust: Trust file of the chain.
        timestamps: At least one over the certified header of every exhibit.
        keys: Keys of issuers and services, and roots of issuers; needed for statements.
        checkpoints: Checkpoints of logs in which records are, `take_checkpoint`.
        without_timestamp: Write the pack without; the report says so in red.
        language: `en` or `zh`, which the report shows first.

    Raises:
        PackTimestampMissing: A certified header has no timestamp.
        BadArgument: Nothing to put in, or timestamps without roots.
        CourtPackTooLarge: It would be larger than any pack.
        TrineError: An exhibit or timestamp does not verify.
    """
    given = keys or Keys()
    proven = prove_all(exhibits, trust, given)
    blocks = blocks_of(proven)
    stamps: tuple[Stamp, ...] = ()
    if timestamps.tokens:
        found = match_timestamps(
            timestamps.tokens, blocks, roots=timestamps.roots, certificates=timestamps.certificates
        )
        stamps = tuple(sorted(found, key=lambda one: (one.block.height, one.token)))
    if not without_timestamp:
        require_stamped(blocks, stamps)
    members, evidence = _exhibits(exhibits)
    by_key = [one.said for one in proven if one.said is not None and one.said.path is None]
    said = {(one.issuer, one.key) for one in by_key}
    issuers = sorted(said, key=lambda one: (one[0], one[1].algorithm, one[1].key))
    services = services_of([one.proof for one in exhibits], given)
    used = Keys(tuple(issuers), services, roots_of(proven))
    roots = timestamps.roots if stamps else ()
    facts = Facts(proven, stamps, Rest(trust, roots, used), language)
    members |= fixed(facts, timestamps.certificates if stamps else ())
    members |= {f"{form.TIMESTAMPS}{n}.tst": one.token for n, one in enumerate(stamps, 1)}
    members |= _checkpoints(checkpoints, proven)
    manifest = {
        "evidence": evidence,
        "language": language,
        "without_timestamp": without_timestamp,
    }
    return Pack(form.write_pack(members, manifest), proven, stamps)


def entries_of(proven: Sequence[Proven]) -> list[LogEntry]:
    """Return the entries of logs that records prove, each once at each size of its log."""
    found = dict.fromkeys(LogEntry(one.log, one.index, one.entry, one.head) for one in proven)
    return sorted(found, key=lambda one: (one.log, one.index, one.head.size))


def _checkpoints(
    checkpoints: Sequence[LogCheckpoint], proven: Sequence[Proven]
) -> dict[str, bytes]:
    """Check checkpoints, and name what the pack has of them."""
    if len(checkpoints) > CHECKPOINTS_MAX:
        raise CourtPackTooLarge(f"{len(checkpoints)} checkpoints, at most {CHECKPOINTS_MAX}")
    members: dict[str, bytes] = {}
    for one in checkpoints:
        check_checkpoint(one, entries=[each for each in entries_of(proven) if each.log == one.log])
        name = f"{form.CHECKPOINTS}{one.log}"
        members |= {f"{name}.checkpoint": one.content, f"{name}.json": one.about()}
    return members


def _exhibits(exhibits: Sequence[Exhibit]) -> tuple[dict[str, bytes], list[list[str]]]:
    """Name records and proofs; a record that several proofs are about is there once."""
    members: dict[str, bytes] = {}
    evidence: list[list[str]] = []
    names: dict[tuple[str, bytes], str] = {}
    for number, one in enumerate(exhibits, 1):
        safe = form.member_name(one.name)
        record = names.setdefault((one.name, one.record), f"{form.RECORDS}{number}-{safe}")
        folder, suffix = form.RECEIPTS, "receipt"
        if is_statement(one.proof):
            folder, suffix = form.STATEMENTS, "statement"
        proof = f"{folder}{number}-{safe}.{suffix}"
        members |= {record: one.record, proof: one.proof}
        evidence.append([record, proof, one.name])
    return members, evidence


def fixed(facts: Facts, certificates: Sequence[Certificate]) -> dict[str, bytes]:
    """Write the members that follow from what was verified, and from this release."""
    trust, roots, keys = facts.rest
    assert facts.language in LANGUAGES, "the caller chose a language of the report"
    members = {
        form.TRUST: trust.content,
        form.REPORT: write_report(facts),
        form.VERIFIER: verifier(),
        form.READ_ME: READ_ME.encode(),
        form.READ_ME_ZH: READ_ME_ZH.encode(),
    }
    if roots:
        members[form.ROOTS] = b"".join(one.to_pem() for one in roots)
    if certificates:
        members[form.ISSUERS] = b"".join(one.to_pem() for one in certificates)
    if keys.issuers or keys.services:
        members[form.KEYS] = write_keys(keys)
    if keys.issuer_roots:
        members[form.ISSUER_ROOTS] = b"".join(one.to_pem() for one in keys.issuer_roots)
    return members


def write_keys(keys: Keys) -> bytes:
    """Write keys for `keys/keys.json`."""
    listed = [(ISSUER, name, key) for name, key in keys.issuers]
    listed += [(SERVICE, "", key) for key in keys.services]
    documents = [
        {"use": use, "name": name, "algorithm": key.algorithm, "key": key.key.hex()}
        for use, name, key in listed
    ]
    return f"{json.dumps(documents, ensure_ascii=False, indent=1)}\n".encode()
