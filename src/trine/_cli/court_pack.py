"""Make and check court packs: one ZIP that a stranger checks without Trine."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
import httpx

from trine._cli.authorities import INPUT, named_path, now_ms, read_all
from trine._cli.settings import Settings, common, facts, moment
from trine.client.settings import tls
from trine.client.verification import Trust, read_file, write_whole
from trine.errors import BadArgument, ExitCode, Unsupported
from trine.types.calls import PublicKey

if TYPE_CHECKING:
    from trine.services.evidence.pack import (
        Block,
        Checked,
        Keys,
        LogCheckpoint,
        Proven,
        Timestamps,
    )
    from trine.services.evidence.pack import Pack as Made

KEY_SET_BYTES_MAX: Final = 1_024 * 1_024
PROOF_BYTES_MAX: Final = 16 * 1_024 * 1_024
LANGUAGES: Final = click.Choice(["en", "zh"])


class Given(NamedTuple):
    """Options of a command that makes something out of files and their proofs."""

    files: tuple[Path, ...]
    proofs: tuple[Path, ...]
    trust: Path
    issuer_keys: tuple[str, ...]
    issuer_roots: tuple[Path, ...]
    service_keys: Path | None


class Asked(NamedTuple):
    """Options about timestamps."""

    tokens: tuple[Path, ...]
    url: str | None
    roots: tuple[Path, ...]
    certificates: tuple[Path, ...]


def _loaded() -> ModuleType:
    """Load the packs, which need packages that a client does without.

    Raises:
        Unsupported: They are not installed.
    """
    try:
        from trine.services.evidence import pack as loaded  # noqa: PLC0415 - optional
    except ImportError as error:
        message = f"court packs need {error.name}: pip install 'trine[platform]'"
        raise Unsupported(message) from None
    return loaded


_EXHIBITS: Final = (
    click.option("--file", "files", multiple=True, type=INPUT, help="Record; give several."),
    click.option(
        "--receipt",
        "proofs",
        multiple=True,
        type=INPUT,
        help="Receipt, or transparent statement, of the --file in the same place.",
    ),
    click.option("--trust", "trust_file", type=INPUT, help="Trust file of the chain."),
    click.option(
        "--issuer-key",
        "issuer_keys",
        multiple=True,
        metavar="ALGORITHM:HEX",
        help="Key of a statement's issuer.",
    ),
    click.option(
        "--issuer-roots",
        multiple=True,
        type=INPUT,
        help="Or certificates that vouch for issuers, where statements bring their own.",
    ),
    click.option("--service-keys", type=INPUT, help="Keys of the service, as it gives them."),
)


def _exhibits(function: Any) -> Any:
    """Add the options that name records and what proves them."""
    for option in reversed(_EXHIBITS):
        function = option(function)
    return function


@click.group(invoke_without_command=True)
@_exhibits
@click.option(
    "--timestamp",
    "tokens",
    multiple=True,
    type=INPUT,
    help="Response or token of an outside authority over a certified header.",
)
@click.option("--tsa", "url", metavar="URL", help="Outside authority to ask now (RFC 3161).")
@click.option("--roots", multiple=True, type=INPUT, help="Root certificates of the authorities.")
@click.option(
    "--certificates",
    multiple=True,
    type=INPUT,
    help="The authority's certificate where its tokens have none, and intermediates.",
)
@click.option(
    "--checkpoint",
    "logs",
    nargs=2,
    multiple=True,
    metavar="URL KEY",
    help="Take along the newest checkpoint of the log whose files are below URL, signed with KEY.",
)
@click.option(
    "--witness",
    "witness_keys",
    multiple=True,
    metavar="KEY",
    help="Verifier key of a witness whose cosignature is taken along.",
)
@click.option("--without-timestamp", is_flag=True, help="Write the pack without, and say so in it.")
@click.option(
    "--language", type=LANGUAGES, default="en", show_default=True, help="Shown first in the report."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="ZIP to write.")
@common
def pack(
    settings: Settings,
    trust_file: Path | None,
    out: Path | None,
    without_timestamp: bool,
    language: str,
    **options: Any,
) -> None:
    """Put everything that a court needs into one ZIP, and check such a ZIP.

    Files, receipts, checkpoints, trust file, timestamps, a report in English and Chinese, and
    verify.py, which checks it without Trine. Every part is verified before anything is written.

    A timestamp of an authority outside of the chain over each certified header is needed: without
    it, whoever steals keys of former validators could make the same evidence later.

    \b
    Examples:
      trine evidence pack --file report.pdf --receipt report.pdf.receipt --trust trust.json \\
          --tsa https://tsa.example/ --roots tsa-root.pem --out case.zip
      trine evidence pack --file report.pdf --receipt report.pdf.receipt --trust trust.json \\
          --timestamp block.tsr --roots tsa-root.pem --out case.zip
      trine evidence pack --file report.pdf --receipt report.pdf.receipt --trust trust.json \\
          --tsa https://tsa.example/ --roots tsa-root.pem --out case.zip \\
          --checkpoint https://log.example "$LOG_KEY" --witness "$WITNESS"
      trine evidence pack verify case.zip --trust trust.json --roots tsa-root.pem
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    if out is None:
        raise BadArgument("--out names the ZIP to write")
    loaded, given = _loaded(), _given(trust_file, options)
    trust, keys = Trust.load(given.trust), _keys(loaded, given)
    exhibits = _read_exhibits(loaded, given)
    names = ("tokens", "url", "roots", "certificates")
    asked = Asked(*(options[name] for name in names))
    if (asked.tokens or asked.url) and not asked.roots:
        raise BadArgument("--roots names the certificates up to which timestamps are checked")
    stated = _timestamps(loaded, asked, trust, lambda: loaded.prove_all(exhibits, trust, keys))
    entries = loaded.entries_of(loaded.prove_all(exhibits, trust, keys)) if options["logs"] else []
    made = loaded.assemble(
        exhibits,
        trust=trust,
        timestamps=stated,
        keys=keys,
        checkpoints=_checkpoints(loaded, options["logs"], options["witness_keys"], entries),
        without_timestamp=without_timestamp,
        language=language,
    )
    write_whole(out, made.content)
    settings.emit(_document(made, out), _lines(made, out))


def _checkpoints(
    loaded: ModuleType, logs: Sequence[tuple[str, str]], witness_keys: Sequence[str], entries: Any
) -> "list[LogCheckpoint]":
    """Read the newest checkpoint of each log."""
    from trine.services.evidence import note, source  # noqa: PLC0415 - optional

    if witness_keys and not logs:
        raise BadArgument("--witness goes with --checkpoint URL KEY")
    witnesses = [note.VerifierKey.parse(one) for one in witness_keys]
    verify = tls(os.environ.get("TRINE_CA_FILE"))
    with httpx.Client(timeout=source.TIMEOUT_S, trust_env=False, verify=verify) as http:
        return [
            loaded.take_checkpoint(
                source.HttpSource(url, http),
                entries,
                log_key=note.VerifierKey.parse(key),
                witnesses=witnesses,
            )
            for url, key in logs
        ]


def _given(trust_file: Path | None, options: dict[str, Any]) -> Given:
    files, proofs = options["files"], options["proofs"]
    if not files or len(files) != len(proofs):
        raise BadArgument(
            f"{len(files)} times --file and {len(proofs)} times --receipt, expected one of each "
            "for each piece of evidence, in the same order"
        )
    if trust_file is None:
        raise BadArgument("--trust names the trust file of the chain")
    keys = (options[name] for name in ("issuer_keys", "issuer_roots", "service_keys"))
    return Given(files, proofs, trust_file, *keys)


def _read_exhibits(loaded: ModuleType, given: Given) -> list[Any]:
    return [
        loaded.Exhibit(
            file.name,
            read_file(file, loaded.PACK_BYTES_MAX),
            read_file(proof, PROOF_BYTES_MAX),
        )
        for file, proof in zip(given.files, given.proofs, strict=True)
    ]


def _keys(loaded: ModuleType, given: Given) -> "Keys":
    services: Sequence[PublicKey] = ()
    if given.service_keys is not None:
        from trine.services.evidence.checking import read_key_set  # noqa: PLC0415 - optional

        services = read_key_set(read_file(given.service_keys, KEY_SET_BYTES_MAX))
    issuers = tuple(("", _read_key(text)) for text in given.issuer_keys)
    keys: Keys = loaded.Keys(issuers, tuple(services), tuple(read_all(given.issuer_roots)))
    return keys


def _read_key(text: str) -> PublicKey:
    algorithm, _, digits = text.partition(":")
    try:
        return PublicKey(algorithm, bytes.fromhex(digits))
    except ValueError:
        raise BadArgument(f"--issuer-key is {text!r:.100}, expected ALGORITHM:HEX") from None


def _timestamps(loaded: ModuleType, asked: Asked, trust: Trust, prove: Any) -> "Timestamps":
    """Read the tokens that are given, and ask for one over every certified header."""
    from trine.services.evidence import timestamp  # noqa: PLC0415 - optional

    tokens = [read_file(one, timestamp.RESPONSE_BYTES_MAX) for one in asked.tokens]
    roots, certificates = read_all(asked.roots), read_all(asked.certificates)
    if asked.url is not None:
        blocks = loaded.blocks_of(prove())
        tokens += asyncio.run(_ask(asked.url, blocks, roots, certificates, trust.suite))
    stated: Timestamps = loaded.Timestamps(tokens, roots, certificates)
    return stated


async def _ask(
    url: str, blocks: "Sequence[Block]", roots: list[Any], certificates: list[Any], suite: str
) -> list[bytes]:
    from trine.services.evidence.timestamp import header_imprint, outside  # noqa: PLC0415

    authority = outside.Outside(url, roots, certificates)
    tokens = []
    async with outside.new_http() as http:
        for block in blocks:
            imprint = header_imprint(block.header, suite)
            token, _ = await outside.ask(http, authority, imprint, clock=now_ms)
            tokens.append(token)
    return tokens


def _document(made: "Made", out: Path) -> dict[str, Any]:
    return {
        "pack": str(out),
        "bytes": len(made.content),
        "evidence": [_evidence(one) for one in made.proven],
        "timestamps": [
            {
                "height": one.block.height,
                "time_ms": one.shown.time_ms,
                "signer": one.shown.signer.subject,
                "root": one.shown.root.subject,
            }
            for one in made.stamps
        ],
    }


def _evidence(one: "Proven") -> dict[str, Any]:
    return {
        "file": one.name,
        "digest": one.digest.hex(),
        "height": one.height,
        "time_ms": one.time_ms,
        "log": one.log,
        "index": one.index,
        "signers": list(one.signers),
        "issuer": one.said and one.said.issuer,
        "certificate": one.said and named_path(one.said.path),
    }


def _lines(made: "Made", out: Path) -> list[str]:
    stamped = {one.block for one in made.stamps}
    lines = [f"Wrote {out}: {len(made.proven)} pieces of evidence, {len(made.content)} bytes"]
    if any(one.certified not in stamped for one in made.proven):
        alarm = (
            "WITHOUT a timestamp of an outside authority: the report's first line says so in red"
        )
        lines.insert(0, alarm)
    for one in made.stamps:
        stated = f"{one.shown.signer.subject}, {moment(one.shown.time_ms)}"
        lines += facts(**{f"block {one.block.height}": stated})
    return lines


@pack.command()
@_exhibits
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the headers: DIR/block-HEIGHT.header.",
)
@common
def headers(settings: Settings, trust_file: Path | None, out: Path, **options: Any) -> None:
    """Write the certified headers of the evidence, for an authority that stamps files.

    \b
    Examples:
      trine evidence pack headers --file report.pdf --receipt report.pdf.receipt \\
          --trust trust.json --out headers
      trine timestamp request headers/block-7.header --out block-7.tsq
    """
    loaded, given = _loaded(), _given(trust_file, options)
    trust = Trust.load(given.trust)
    proven = loaded.prove_all(_read_exhibits(loaded, given), trust, _keys(loaded, given))
    listed = []
    for block in loaded.blocks_of(proven):
        place = write_whole(out / f"block-{block.height}.header", block.header)
        listed.append({"header": str(place), "height": block.height, "time_ms": block.time_ms})
    lines = [f"Wrote {one['header']}: have it stamped by an outside authority" for one in listed]
    settings.emit({"headers": listed}, lines)


@pack.command("verify")
@click.argument("file", type=INPUT)
@click.option("--trust", "trust_file", type=INPUT, help="Your own trust file, not the pack's.")
@click.option("--roots", multiple=True, type=INPUT, help="Your own roots of timestamp authorities.")
@click.option(
    "--issuer-roots",
    multiple=True,
    type=INPUT,
    help="Your own roots of issuers that are known by certificates.",
)
@click.option(
    "--log-key",
    "log_keys",
    multiple=True,
    metavar="KEY",
    help="Your own verifier keys of logs and witnesses, for checkpoints.",
)
@click.option("--without-timestamp", is_flag=True, help="Accept blocks without a timestamp.")
@common
def verify_(
    settings: Settings,
    file: Path,
    trust_file: Path | None,
    roots: tuple[Path, ...],
    issuer_roots: tuple[Path, ...],
    log_keys: tuple[str, ...],
    without_timestamp: bool,
) -> None:
    """Check a pack, every member and every byte between; no network is needed.

    Without --trust, --roots and --issuer-roots the pack's own are believed: compare their digests,
    which are printed, with another source.

    Exit status 0: every step holds; 1: one does not, and is named; 5: not a pack.

    \b
    Examples:
      trine evidence pack verify case.zip --trust trust.json --roots tsa-root.pem
      trine evidence pack verify case.zip --json
    """
    loaded = _loaded()
    from trine.services.evidence.note import VerifierKey  # noqa: PLC0415 - optional

    own = loaded.Own(
        None if trust_file is None else Trust.load(trust_file),
        read_all(roots) or None,
        issuer_roots=read_all(issuer_roots) or None,
        log_keys=[VerifierKey.parse(one) for one in log_keys] or None,
    )
    data = read_file(file, loaded.PACK_BYTES_MAX)
    checked = loaded.check_pack(data, own, without_timestamp=without_timestamp)
    settings.emit(_verdict(checked, file), _steps(checked, file))
    if not checked.is_verified:
        raise click.exceptions.Exit(int(ExitCode.NEGATIVE))


def _verdict(checked: "Checked", file: Path) -> dict[str, Any]:
    return {
        "verified": checked.is_verified,
        "pack": str(file),
        "steps": [
            {"what": step.what, "ok": step.code is None, "detail": step.detail, "code": step.code}
            for step in checked.steps
        ],
        "compare": checked.compare,
        "without_timestamp": [block.height for block in checked.unstamped],
        "checkpoints": [
            {
                "log": one.log,
                "origin": one.checkpoint.origin,
                "size": one.checkpoint.size,
                "witnesses": list(one.witnesses),
            }
            for one in checked.checkpoints
        ],
        "evidence": [_evidence(one) for one in checked.proven],
    }


def _steps(checked: "Checked", file: Path) -> list[str]:
    lines = []
    for step in checked.steps:
        refusal = "" if step.code is None else f" [{step.code}]"
        lines.append(
            f"{'ok' if step.code is None else 'FAILED':8}{step.what}: {step.detail}{refusal}"
        )
    for name, digest in checked.compare.items():
        lines.append(f"compare the pack's own {name}: SHA-256 {digest}")
    safe = ["".join(one if one.isprintable() else "?" for one in line) for line in lines]
    verdict = "Verified" if checked.is_verified else f"NOT verified: {len(checked.failures)} steps"
    if checked.is_verified and checked.unstamped:
        heights = ", ".join(str(block.height) for block in checked.unstamped)
        verdict += f" WITHOUT a timestamp of an outside authority over block {heights}"
        verdict += ", which whoever has old keys could make today"
    return [*safe, f"{verdict}: {file}"]
