"""Show by which policy a log of an evidence service takes statements."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import click
import httpx

from trine._cli.settings import Settings, columns, common, facts
from trine._cli.statements import get
from trine.client.settings import tls
from trine.client.verification import write_whole
from trine.errors import BadAnswer, BadArgument

TIMEOUT_S: Final = 30.0


@click.command("policy")
@click.option("--service", required=True, metavar="URL", help="Where the service listens.")
@click.option(
    "--log", type=click.IntRange(0), help="Number of the log.  [default: the one that takes]"
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the policy there."
)
@click.option(
    "--ca-file", type=click.Path(path_type=Path), help="PEM file of who vouches for the service."
)
@common
def policy(
    settings: Settings, service: str, log: int | None, out: Path | None, ca_file: Path | None
) -> None:
    """Show the logs of a service, and the registration policy of one of them.

    A statement is checked by the policy of the log into which it goes. The policy is shown as the
    operator wrote it, with its SHA-256 digest.

    \b
    Examples:
      trine evidence policy --service http://127.0.0.1:8650
      trine evidence policy --service http://127.0.0.1:8650 --log 7 --out policy.toml
    """
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, verify=tls(ca_file, None, None)) as http:
        logs = _logs(get(http, service, "/logs"), service)
        known = {one["log"]: one for one in logs}
        number = next((one["log"] for one in logs if one["takes"]), logs[-1]["log"])
        number = number if log is None else log
        if number not in known:
            listed = ", ".join(map(str, known))
            raise BadArgument(f"{service} has no log {number}, it has: {listed}")
        text = get(http, service, f"/logs/{number}/policy")
    found = sha256(text).hexdigest()
    if found != known[number]["policy_sha256"]:
        raise BadAnswer(
            f"{service} answered a policy with the digest {found}, and lists "
            f"{known[number]['policy_sha256']}: ask again",
            instance=service,
        )
    if out is not None:
        write_whole(out, text)
    rows = [
        (one["log"], one["entries"], one["entries_max"], one["takes"], one["policy_sha256"])
        for one in logs
    ]
    lines = columns(("log", "entries", "at most", "takes", "policy"), rows)
    lines += ["", *facts(log=number, sha256=found, written=out)]
    if out is None:
        lines += ["", *map(_printable, text.decode(errors="replace").splitlines())]
    document: dict[str, Any] = {"logs": logs, "log": number, "policy_sha256": found}
    document |= {"policy": text.decode(errors="replace"), "out": out and str(out)}
    settings.emit(document, lines)


def _printable(line: str) -> str:
    """Replace what would do more than be shown in a terminal."""
    return "".join(
        one if one.isprintable() or one == "\t" else "\N{REPLACEMENT CHARACTER}" for one in line
    )


def _logs(answer: bytes, service: str) -> list[dict[str, Any]]:
    """Read the list of logs.

    Raises:
        BadAnswer: It is none.
    """
    kinds = {"log": int, "entries": int, "takes": bool, "policy_sha256": str}
    try:
        logs: list[dict[str, Any]] = json.loads(answer)["logs"]
        is_list = bool(logs) and all(
            type(one[name]) is kind for one in logs for name, kind in kinds.items()
        )
        is_list = is_list and all(type(one["entries_max"]) in (int, type(None)) for one in logs)
    except (ValueError, LookupError, TypeError, RecursionError):
        is_list = False
    if not is_list:
        message = f"{service} answered {answer[:80]!r}, expected the list of its logs"
        raise BadAnswer(message, instance=service)
    return logs
