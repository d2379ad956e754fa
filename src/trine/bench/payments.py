"""Load a network with payments, and look them up by their references with proofs.

Example:
    >>> from trine.bench.payments import problems
    >>> lookups = {"lookups": 10, "proven_late": 0, "not_found": 0, "invalid_proofs": 0}
    >>> lookups |= {"different": 0, "not_started": 0}
    >>> problems({"payments": {"lookups": lookups, "audit": lookups | {"not_found": 2}}})
    ['audit: 2 payments were not found']
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from trine.bench.load import LoadPlan, Progress, run_load

#: Lookups a second, where the caller names no number.
LOOKUPS_PER_S: Final = 500
#: Payments looked up after the load, where the caller names no number.
AUDIT: Final = 10_000
#: Bytes of a block in which file systems count what a file occupies (POSIX, `st_blocks`).
BLOCK_BYTES: Final = 512
#: What a validator stores, by folder: the state and the engine's journals; bodies of blocks;
#: the index by which transactions, accounts and references are found.
PARTS: Final = {
    "engine": "engine",
    "blocks": "history/segments",
    "index": "history/index",
}

#: What a validator stores beside the parts.
REST: Final = "rest"

_UNPROVEN: Final = {
    "not_found": "payments were not found",
    "invalid_proofs": "proofs did not verify",
    "different": "answers differed from what was sent",
}
_SLOW: Final = {
    "proven_late": "payments were proven more than 1 s after they became final",
    "not_started": "lookups were left out, since too many were on their way",
}


def occupied(folder: Path, besides: Sequence[Path] = ()) -> int:
    """Sum up what the files under a folder occupy on the disk, in bytes.

    Args:
        folder: Where to look; a folder that is not there occupies nothing.
        besides: Folders under it that are left out.
    """
    total = 0
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if Path(place) / name not in besides]
        for name in names:
            try:
                total += (Path(place) / name).stat().st_blocks * BLOCK_BYTES
            except FileNotFoundError:
                continue  # removed meanwhile
    return total


def _disk(folders: Sequence[Path]) -> dict[str, int]:
    """Sum up what validators occupy: each of `PARTS`, what is beside them, and all."""
    found = dict.fromkeys((*PARTS, REST, "all"), 0)
    for one in folders:
        parts = {name: occupied(one / part) for name, part in PARTS.items()}
        beside = occupied(one, besides=[one / part for part in PARTS.values()])
        # Nodes write meanwhile: what was seen is added up, not looked at again.
        parts |= {REST: beside, "all": beside + sum(parts.values())}
        found = {name: found[name] + count for name, count in parts.items()}
    return found


def run_payments(
    plan: LoadPlan, progress: Callable[[Progress], None] = lambda _: None
) -> dict[str, Any]:
    """Run a load of payments to its end, audit included.

    Args:
        plan: What to send, to whom, how long; with `lookups`.
        progress: Called once a second; may raise to stop the run.

    Returns:
        The report of `run_load`. Its `payments` holds `finalized` (payments of the whole run),
        `lookups` (beside the load), `audit` (after it) and `disk`: what one validator stores more
        than before the run, `bytes` and `bytes_per_payment`, the latter also by part; `None` where
        the validators run elsewhere.

    Raises:
        BadArgument: The plan is refused; the message names the field.
        CannotReachNode: A node does not answer.
    """
    before = _disk(plan.data_folders)
    report = run_load(plan, progress)
    after = _disk(plan.data_folders)
    report["payments"]["disk"] = _disk_report(
        {name: after[name] - before[name] for name in after},
        len(plan.data_folders),
        report["payments"]["finalized"],
    )
    return report


def _disk_report(
    grown: Mapping[str, int], validators: int, finalized: int
) -> dict[str, Any] | None:
    if not validators or not finalized:
        return None
    per_payment = {name: count / validators / finalized for name, count in grown.items()}
    return {
        "bytes": grown["all"] // validators,
        "bytes_per_payment": per_payment.pop("all"),
        "parts": per_payment,
    }


def problems(report: Mapping[str, Any], *, unproven_only: bool = False) -> list[str]:
    """Say what was wrong with the lookups of a run.

    Args:
        report: What `run_payments` returned.
        unproven_only: Leave out what came, but too late.

    Returns:
        One sentence a kind; none after a good run.
    """
    kinds = _UNPROVEN if unproven_only else {**_UNPROVEN, **_SLOW}
    return [
        f"{name}: {report['payments'][part][kind]:,} {text}"
        for part, name in (("lookups", "during the load"), ("audit", "audit"))
        for kind, text in kinds.items()
        if report["payments"][part].get(kind)
    ]
