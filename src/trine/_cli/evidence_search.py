"""Search a log, and verify offline that an answer is complete."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import httpx

from trine._cli.evidence_monitor import witness_options
from trine._cli.settings import Settings, common, facts, moment
from trine._cli.statements import evidence_module, get
from trine.client.settings import tls
from trine.client.verification import read_file
from trine.errors import BadAnswer, BadArgument, UnreadableFile

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
@click.option("--issuer", metavar="URI", help="Who said it.")
@click.option("--type", "content_type", help="Content type.")
@click.option("--digest", metavar="HEX", help="An entry, or the SHA-256 digest of a file.")
@click.option("--from", "from_text", metavar="TIME", help="Registered then or later (ISO 8601).")
@click.option("--to", "to_text", metavar="TIME", help="Registered before.")
@click.option("--after", type=click.IntRange(0), help="Behind this place: the next page.")
@click.option(
    "--proof",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the proof that nothing was left out: of --issuer, or of the time.",
)
@click.option(
    "--ca-file", type=click.Path(path_type=Path), help="PEM file of who vouches for the service."
)
@common
def find(
    settings: Settings,
    service: str,
    issuer: str | None,
    content_type: str | None,
    digest: str | None,
    from_text: str | None,
    to_text: str | None,
    after: int | None,
    proof: Path | None,
    ca_file: Path | None,
) -> None:
    """Find statements that fit everything that is given; up to 1,000 at once.

    \b
    Examples:
      trine evidence search find --service http://127.0.0.1:8650 --from 2026-05-03 --to 2026-05-04
      trine evidence search find --service http://127.0.0.1:8650 --issuer https://city.example \\
          --proof city.search
    """
    from_ms, to_ms = (None if text is None else _time_ms(text) for text in (from_text, to_text))
    given = {
        "issuer": issuer,
        "type": content_type,
        "digest": digest,
        "from": from_ms,
        "to": to_ms,
        "after": after,
    }
    asked = {name: str(value) for name, value in given.items() if value is not None}
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, verify=tls(ca_file, None, None)) as http:
        document, lines = _shown(get(http, service, "/search", asked), service)
        if proof is not None:
            document["proof"] = str(proof)
            document["pages"] = _write_proof(http, service, proof, asked)
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


def _write_proof(http: httpx.Client, service: str, out: Path, asked: dict[str, str]) -> int:
    """Fetch all pages of a proof into a file; returns how many they are."""
    if "issuer" in asked and ("from" in asked or "to" in asked):
        raise BadArgument("a proof is of an issuer or of a time: leave one out")
    wanted = {name: text for name, text in asked.items() if name in ("issuer", "from", "to")}
    if not wanted:
        raise BadArgument("a proof needs --issuer, or --from and --to")

    def fetch(first: int) -> bytes:
        return get(http, service, "/search/proof", wanted | {"first": str(first)})

    searching = evidence_module("searching")
    pages = list(searching.pages_of(fetch))
    try:
        out.write_bytes(searching.write_pages(pages))
    except OSError as error:
        raise UnreadableFile(f"{out} cannot be written: {error.strerror}") from None
    return len(pages)


@search.command("verify")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--log-key", required=True, metavar="KEY", help="Verifier key of the log.")
@click.option("--issuer", metavar="URI", help="The proof must be of this issuer.")
@witness_options
@click.option(
    "--hash",
    "function",
    type=click.Choice(["sha256", "sm3"]),
    default="sha256",
    show_default=True,
    help="Hash function of the log.",
)
@common
def verify(
    settings: Settings,
    file: Path,
    log_key: str,
    issuer: str | None,
    witness_keys: tuple[str, ...],
    witnesses: int,
    function: Any,
) -> None:
    """Verify that the answer to a search is complete; no network is needed.

    Exit status 0: nothing was left out; 1: that is not shown, and one sentence says why; 5: no
    proof.

    \b
    Examples:
      trine evidence search verify city.search --log-key "$KEY" --issuer https://city.example
    """
    searching, note = evidence_module("searching"), evidence_module("note")
    found = searching.verify_pages(
        searching.read_pages(read_file(file, PROOF_BYTES_MAX)),
        [note.VerifierKey.parse(key) for key in (log_key, *witness_keys)],
        function=function,
        witnesses_min=witnesses,
        issuer=issuer,
    )
    document = {
        "verified": True,
        "origin": found.checkpoint.origin,
        "size": found.checkpoint.size,
        "issuer_digest": found.asked.issuer and str(found.asked.issuer),
        "from_ms": found.asked.from_ms,
        "to_ms": found.asked.to_ms,
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
        issuer=found.asked.issuer,
        since=None if found.asked.from_ms is None else moment(found.asked.from_ms),
        before=None if found.asked.to_ms is None else moment(found.asked.to_ms),
        root=found.checkpoint.root,
    )
    settings.emit(document, lines)
