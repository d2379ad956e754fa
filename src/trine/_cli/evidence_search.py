"""Search a log, and verify offline that an answer is complete."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import httpx

from trine._cli.evidence_monitor import hash_option, witness_options
from trine._cli.settings import Settings, common, facts, moment
from trine._cli.statements import evidence_module, get
from trine.client.settings import tls
from trine.client.verification import Trust, read_file
from trine.errors import BadAnswer, BadArgument, UnreadableFile
from trine.types import Digest, LogId

if TYPE_CHECKING:
    from trine.services.evidence.asking import Question
    from trine.services.evidence.searching import Asked

PROOF_BYTES_MAX: Final = 1 << 30
"""Bytes of a file with the pages of a proof."""
TIMEOUT_S: Final = 60.0
SHOWN_MAX: Final = 1_000
"""Statements of one answer."""


@click.group("search")
def search() -> None:
    """Find statements in a log, and prove that nothing was left out.

    \b
    Examples:
      trine evidence search find --service http://127.0.0.1:8650 --issuer https://city.example
      trine evidence search find --service http://127.0.0.1:8650 --issuer https://city.example \\
          --proof city.search
      trine evidence search verify city.search --log-key "$KEY" --issuer https://city.example
    """


def _asked_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what is searched for."""
    options = (
        click.option("--issuer", metavar="URI", help="Who said it."),
        click.option("--type", "content_type", help="Content type."),
        click.option("--digest", metavar="HEX", help="An entry, or the digest of a file."),
        click.option("--from", "from_text", metavar="TIME", help="Then or later (ISO 8601)."),
        click.option("--to", "to_text", metavar="TIME", help="Before."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def _question(asked: Mapping[str, str | None]) -> "Question":
    """Read the options that say what is searched for.

    Raises:
        BadArgument: A time or a digest is none.
    """
    digest = asked["digest"]
    from_ms, to_ms = (
        None if text is None else _time_ms(text) for text in (asked["from_text"], asked["to_text"])
    )
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise BadArgument(f"--from {asked['from_text']} is not before --to {asked['to_text']}")
    made: Question = evidence_module("asking").Question(
        asked["issuer"],
        asked["content_type"],
        None if digest is None else Digest.parse(digest),
        from_ms,
        to_ms,
    )
    return made


def _time_ms(text: str) -> int:
    """Read a time of ISO 8601, in UTC where it has no zone, as Unix time in milliseconds."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text[:80]!r} is no time such as 2026-05-03 or 2026-05-03T12:00"
        raise BadArgument(message) from None
    if read.tzinfo is None:
        read = read.replace(tzinfo=UTC)
    return max(0, round(read.timestamp() * 1_000))


@search.command("find")
@click.option("--service", required=True, metavar="URL", help="Where the service listens.")
@_asked_options
@click.option("--log", type=click.IntRange(0), help="Number of the log.  [default: the first one]")
@click.option("--after", type=click.IntRange(0), help="Behind this place: the next page.")
@click.option(
    "--proof",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the proof that nothing was left out.",
)
@click.option(
    "--ca-file", type=click.Path(path_type=Path), help="PEM file of who vouches for the service."
)
@common
def find(
    settings: Settings,
    service: str,
    log: int | None,
    after: int | None,
    proof: Path | None,
    ca_file: Path | None,
    **options: str | None,
) -> None:
    """Find statements that fit everything that is given; up to 1,000 at once.

    \b
    Examples:
      trine evidence search find --service http://127.0.0.1:8650 --from 2026-05-03 --to 2026-05-04
      trine evidence search find --service http://127.0.0.1:8650 --issuer https://city.example \\
          --proof city.search
    """
    question = _question(options)
    names = ("issuer", "type", "digest", "from", "to")
    given = dict(zip(names, question, strict=True)) | {"after": after, "log": log}
    asked = {name: str(value) for name, value in given.items() if value is not None}
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, verify=tls(ca_file, None, None)) as http:
        document, lines = _shown(get(http, service, "/search", asked), service)
        if proof is not None:
            document["proof"] = str(proof)
            # The service hashes names itself, with the function of its log.
            runs = question.runs("sha256")
            document["pages"] = _write_proof(
                http, service, proof, [_wanted(one, question, log) for one in runs]
            )
    settings.emit(document, lines)


def _shown(answer: bytes, service: str) -> tuple[dict[str, Any], list[str]]:
    """Read what a service found, and describe it for people.

    Raises:
        BadAnswer: It is no such answer.
    """
    try:
        document = json.loads(answer)
        after = document["after"]
        lines = [
            f"{one['place']:>10}  {moment(one['registered_ms'])}  {one['issuer']}  {one['subject']}"
            for one in document["statements"]
        ]
    except (ValueError, LookupError, TypeError, RecursionError):
        message = f"{service} answered {answer[:80]!r}, expected what a search finds"
        raise BadAnswer(message, instance=service) from None
    lines.append(f"{len(lines)} statements")
    if after is not None:
        lines.append(f"There may be more: --after {after}")
    return document, lines


def _wanted(one: "Asked", question: "Question", log: int | None) -> dict[str, str]:
    """Return how the service is asked for one proof."""
    asked: dict[str, Any] = {"from": one.from_ms, "to": one.to_ms}
    if one.order == "issuer":
        asked = {"issuer": question.issuer}
    elif one.order == "content_type":
        asked = {"type": question.content_type}
    elif one.order is not None:
        asked = {one.order: one.digest}
    found = {name: str(value) for name, value in asked.items()}
    return found if log is None else found | {"log": str(log)}


def _write_proof(
    http: httpx.Client, service: str, out: Path, wanted: Sequence[dict[str, str]]
) -> int:
    """Fetch all pages of some proofs into a file; returns how many they are."""
    searching = evidence_module("searching")
    pages: list[bytes] = []
    for one in wanted:

        def fetch(first: int, asked: dict[str, str] = one) -> bytes:
            return get(http, service, "/search/proof", asked | {"first": str(first)})

        pages += searching.pages_of(fetch)
    try:
        out.write_bytes(searching.write_pages(pages))
    except OSError as error:
        raise UnreadableFile(f"{out} cannot be written: {error.strerror}") from None
    return len(pages)


@search.command("verify")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--log-key", required=True, metavar="KEY", help="Verifier key of the log.")
@_asked_options
@click.option(
    "--at-least",
    type=click.IntRange(0),
    default=0,
    metavar="ENTRIES",
    help="Entries that the log is known to have: an older answer is refused.",
)
@click.option(
    "--trust",
    "trust_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Trust file of the chain: its validators must have certified the log's root.",
)
@click.option("--log", type=click.IntRange(0), help="Number of the log on the chain; with --trust.")
@witness_options
@hash_option
@common
def verify(
    settings: Settings,
    file: Path,
    log_key: str,
    at_least: int,
    trust_file: Path | None,
    log: int | None,
    witness_keys: tuple[str, ...],
    witnesses: int,
    function: Any,
    **options: str | None,
) -> None:
    """Verify that the answer to a search is complete; no network is needed.

    Say again what was asked: the proof must be about it, and what is listed fits all of it. The
    time of an entry is when the service saw it in the chain's log. Without any of these options
    all is listed that the proof is about.

    Exit status 0: nothing was left out; 1: that is not shown, and one sentence says why; 5: no
    proof.

    \b
    Examples:
      trine evidence search verify city.search --log-key "$KEY" --issuer https://city.example
      trine evidence search verify city.search --log-key "$KEY" --type application/pdf \\
          --from 2026-05-03 --trust trust.json --log 7 --at-least 1200
    """
    if (trust_file is None) != (log is None):
        raise BadArgument("give --trust and --log, or neither")
    searching, note = evidence_module("searching"), evidence_module("note")
    question = _question(options)
    found = evidence_module("asking").verify_answer(
        searching.read_pages(read_file(file, PROOF_BYTES_MAX)),
        searching.Believed(
            [note.VerifierKey.parse(key) for key in (log_key, *witness_keys)],
            function,
            witnesses,
            None if trust_file is None else Trust.load(trust_file),
            None if log is None else LogId(log),
        ),
        question if any(part is not None for part in question) else None,
        size_min=at_least,
    )
    document = {
        "verified": True,
        "origin": found.checkpoint.origin,
        "size": found.checkpoint.size,
        "certified_ms": found.certified_ms,
        "proven": [_described(one) for one in found.asked],
        "entries": [
            {"entry": str(row.entry), "place": row.place, "recorded_ms": row.recorded_ms}
            for row in found.rows
        ],
    }
    origin, size = found.checkpoint.origin, found.checkpoint.size
    lines = [f"Verified: of the {size:,} entries of {origin} exactly {len(found.rows):,} fit"]
    for row in found.rows[:SHOWN_MAX]:
        lines.append(f"{row.place:>10}  {moment(row.recorded_ms)}  {row.entry}")
    lines += facts(
        root=found.checkpoint.root,
        certified=None if found.certified_ms is None else moment(found.certified_ms),
    )
    settings.emit(document, lines)


def _described(one: "Asked") -> dict[str, Any]:
    """Say what a proof is about."""
    if one.order is None:
        return {"from_ms": one.from_ms, "to_ms": one.to_ms}
    return {one.order: str(one.digest)}
