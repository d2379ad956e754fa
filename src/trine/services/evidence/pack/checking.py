"""Check a court pack with Trine's own verifiers, step by step.

The pack's `verify.py` does the same without Trine. Beside it, this check remakes the report and the
ZIP itself: a word that was changed in the report, or a byte between the members, is noticed too.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from trine.client.verification import Trust
from trine.crypto.x509 import Certificate, read_certificates
from trine.errors import BadTrustFile, TrineError
from trine.errors.services import BadHeader, CourtPackDiffers
from trine.services.evidence.note import VerifierKey
from trine.services.evidence.pack import format as form
from trine.services.evidence.pack.assembling import ISSUER, SERVICE, entries_of, fixed, verifier
from trine.services.evidence.pack.checkpoints import (
    Witnessed,
    check_checkpoint,
    read_checkpoint,
)
from trine.services.evidence.pack.proving import (
    Block,
    Keys,
    Proven,
    Stamp,
    blocks_of,
    match_timestamps,
    prove,
    require_stamped,
)
from trine.services.evidence.pack.report import Facts, Rest
from trine.types.calls import PublicKey

VERIFIERS: Final[frozenset[str]] = frozenset()
"""SHA-256 of the verifiers of former releases, which packs made by them carry."""

FOLLOWS: Final = " as it follows"
"""How a step is named that makes a member again."""

T = TypeVar("T")


class Step(NamedTuple):
    """One step of a check.

    Attributes:
        what: Member or fact that was checked.
        detail: What was found, or why it does not hold.
        code: Code of the refusal; nothing where the step holds.
    """

    what: str
    detail: str
    code: str | None


class Own(NamedTuple):
    """What the one who checks brings, in the place of what the pack has.

    Attributes:
        trust: Trust file.
        roots: Roots of timestamp authorities.
        keys: Keys of issuers and services.
        issuer_roots: Roots of issuers that are known by certificates.
        log_keys: Verifier keys of logs and of witnesses.
    """

    trust: Trust | None = None
    roots: Sequence[Certificate] | None = None
    keys: Keys | None = None
    issuer_roots: Sequence[Certificate] | None = None
    log_keys: Sequence[VerifierKey] | None = None


@dataclass
class Checked:
    """A pack that was checked.

    Attributes:
        steps: Every step, in order.
        compare: Digests of what the pack brought itself, by the member's name.
        proven: What each exhibit proves.
        stamps: Verified timestamps.
        checkpoints: Verified checkpoints of the logs in which records are.
    """

    steps: list[Step] = field(default_factory=list)
    compare: dict[str, str] = field(default_factory=dict)
    proven: list[Proven] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    checkpoints: list[Witnessed] = field(default_factory=list)

    @property
    def failures(self) -> list[Step]:
        """Steps that do not hold."""
        return [step for step in self.steps if step.code is not None]

    @property
    def unstamped(self) -> list[Block]:
        """Blocks over which no outside authority stated a time."""
        stamped = {one.block for one in self.stamps}
        return [block for block in blocks_of(self.proven) if block not in stamped]

    @property
    def is_verified(self) -> bool:
        """Whether every step holds and something was proven."""
        return not self.failures and bool(self.proven)

    def attempt(self, what: str, check: Callable[[], T], say: Callable[[T], str]) -> T | None:
        """Take a step; its refusal is noted, not raised."""
        try:
            found = check()
        except TrineError as error:
            self.steps.append(Step(what, str(error), error.code))
            return None
        self.steps.append(Step(what, say(found), None))
        return found


def check_pack(data: bytes, own: Own | None = None, *, without_timestamp: bool = False) -> Checked:
    """Check a pack.

    Args:
        data: The pack.
        own: What to believe in the place of what the pack brings.
        without_timestamp: Accept blocks over which no outside authority stated a time.

    Raises:
        NotACourtPack, CourtPackVersion, CourtPackTooLarge: It is no pack of this version.
    """
    members = form.read_zip(data)
    given, checked = own or Own(), Checked()
    manifest = checked.attempt(
        form.MANIFEST,
        lambda: form.read_manifest(members[form.MANIFEST]),
        lambda found: f"lists {len(found['members'])} members",
    )
    if manifest is None:
        return checked
    good = _check_members(checked, members, manifest)
    checked.attempt("ZIP", lambda: _check_form(data, members), lambda _: "nothing beside them")
    rest = _rest(checked, good, given)
    if rest is None:
        return checked
    _check_exhibits(checked, good, manifest, rest)
    certificates = _check_stamps(checked, good, rest)
    _check_checkpoints(checked, good, given)
    blocks = blocks_of(checked.proven)
    if not without_timestamp:
        for block in blocks:
            checked.attempt(
                f"outside timestamp of block {block.height}",
                partial(require_stamped, [block], checked.stamps),
                lambda _: "there is one",
            )
    if own is None or own == Own():
        _check_fixed(checked, good, manifest, rest, certificates)
    else:
        _check_pages(checked, data)
    return checked


def _check_pages(checked: Checked, data: bytes) -> None:
    """Compare the pages with what the pack itself brings: they were made with that."""
    pages = check_pack(data, without_timestamp=True)
    found = [step for step in pages.steps if step.what.endswith(FOLLOWS)]
    if not found:
        detail = "it cannot be remade: the pack does not hold under what it brings itself"
        found = [Step(f"{form.REPORT}{FOLLOWS}", detail, CourtPackDiffers.code)]
    checked.steps += found


def _check_form(data: bytes, members: Mapping[str, bytes]) -> None:
    if not form.is_whole(data, members):
        raise CourtPackDiffers(
            "the ZIP is not, byte for byte, its members as a pack has them: something was altered "
            "or stands between them, or a program wrote it again"
        )


def _check_members(
    checked: Checked, members: Mapping[str, bytes], manifest: Mapping[str, Any]
) -> dict[str, bytes]:
    """Compare every member with the manifest; return those that it lists as they are."""
    listed: dict[str, str] = manifest["members"]
    good = {}
    for name in sorted({*listed, *members} - {form.MANIFEST}):
        content = checked.attempt(
            name,
            partial(_member, name, members, listed),
            lambda content: f"{len(content)} bytes, as the manifest lists them",
        )
        if content is not None:
            good[name] = content
    return good


def _member(name: str, members: Mapping[str, bytes], listed: Mapping[str, str]) -> bytes:
    if name not in members:
        raise CourtPackDiffers(f"{name} is missing: the manifest lists it")
    if name not in listed:
        raise CourtPackDiffers(f"{name} is not in the manifest: it was added")
    if hashlib.sha256(members[name]).hexdigest() != listed[name]:
        raise CourtPackDiffers(f"{name} is not what the manifest lists: it was altered")
    return members[name]


def _rest(checked: Checked, members: Mapping[str, bytes], own: Own) -> Rest | None:
    """Read what the pack rests on, or take what was brought in its place."""
    own_parts = {
        form.TRUST: own.trust,
        form.ROOTS: own.roots,
        form.KEYS: own.keys,
        form.ISSUER_ROOTS: own.issuer_roots,
    }
    for name, brought in own_parts.items():
        if brought is None and name in members:
            checked.compare[name] = hashlib.sha256(members[name]).hexdigest()
    trust = own.trust or checked.attempt(
        "trust file", lambda: _read_trust(members), lambda found: f"chain {found.chain}"
    )
    roots = _roots(checked, members, form.ROOTS, own.roots)
    issuer_roots = _roots(checked, members, form.ISSUER_ROOTS, own.issuer_roots)
    keys = own.keys
    if keys is None:
        keys = Keys()
        if form.KEYS in members:
            keys = checked.attempt("keys", lambda: read_keys(members[form.KEYS]), lambda _: "keys")
    if trust is None or roots is None or keys is None or issuer_roots is None:
        return None
    return Rest(trust, roots, replace(keys, issuer_roots=tuple(issuer_roots)))


def _roots(
    checked: Checked,
    members: Mapping[str, bytes],
    name: str,
    brought: Sequence[Certificate] | None,
) -> Sequence[Certificate] | None:
    """Read roots of the pack, where none were brought in their place."""
    if brought is not None or name not in members:
        return brought or ()
    return checked.attempt(
        f"{name} as certificates", lambda: read_certificates(members[name]), lambda _: "readable"
    )


def _read_trust(members: Mapping[str, bytes]) -> Trust:
    if form.TRUST not in members:
        raise BadTrustFile(f"the pack has no {form.TRUST} as it should be")
    return Trust.load(members[form.TRUST])


def read_keys(raw: bytes) -> Keys:
    """Read `keys/keys.json`.

    Raises:
        BadHeader: It is none.
    """
    issuers, services = [], []
    try:
        for one in json.loads(raw):
            key = PublicKey(str(one["algorithm"]), bytes.fromhex(one["key"]))
            if one["use"] == ISSUER:
                issuers.append((str(one["name"]), key))
            elif one["use"] == SERVICE:
                services.append(key)
            else:
                raise ValueError(one["use"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadHeader(f"{form.KEYS} is no list of keys") from None
    return Keys(tuple(issuers), tuple(services))


def _check_exhibits(
    checked: Checked, members: Mapping[str, bytes], manifest: Mapping[str, Any], rest: Rest
) -> None:
    def say(found: Proven) -> str:
        signers = ", ".join(found.signers)
        place = f"log {found.log}, entry {found.index}, block {found.height}"
        return f"recorded in {place}, certified by {signers}"

    for record, proof, name in manifest["evidence"]:
        missing = [one for one in (record, proof) if one not in members]
        if missing:
            detail = f"{' and '.join(missing)} cannot be used, as said above"
            checked.steps.append(Step(f"{record} by {proof}", detail, CourtPackDiffers.code))
            continue
        found = checked.attempt(
            f"{record} by {proof}",
            partial(prove, name, members[record], members[proof], rest.trust, rest.keys),
            say,
        )
        if found is not None:
            checked.proven.append(found)


def _check_stamps(
    checked: Checked, members: Mapping[str, bytes], rest: Rest
) -> Sequence[Certificate]:
    certificates: Sequence[Certificate] = ()
    if form.ISSUERS in members:
        certificates = (
            checked.attempt(
                form.ISSUERS, lambda: read_certificates(members[form.ISSUERS]), lambda _: "readable"
            )
            or ()
        )
    blocks = blocks_of(checked.proven)
    for name in sorted(one for one in members if one.startswith(form.TIMESTAMPS)):
        found = checked.attempt(
            f"{name} over its block",
            partial(
                match_timestamps,
                [members[name]],
                blocks,
                roots=rest.roots,
                certificates=certificates,
            ),
            lambda stamps: f"block {stamps[0].block.height}, {stamps[0].shown.signer.subject}",
        )
        checked.stamps += found or ()
    return certificates


def _check_checkpoints(checked: Checked, members: Mapping[str, bytes], own: Own) -> None:
    """Check that the logs, as logs and witnesses signed them, have the records."""
    entries = entries_of(checked.proven)

    def check(name: str, beside: str) -> Witnessed:
        if not {name, beside} <= members.keys():
            raise CourtPackDiffers(f"{name} and {beside} belong together, and one is missing")
        own_entries = [one for one in entries if name == f"{form.CHECKPOINTS}{one.log}.checkpoint"]
        if not own_entries:
            raise CourtPackDiffers(f"{name} is of a log in which no record is")
        made = read_checkpoint(own_entries[0].log, members[name], members[beside])
        return check_checkpoint(made, entries=own_entries, keys=own.log_keys)

    def say(found: Witnessed) -> str:
        names = ", ".join(found.witnesses) or "no witness"
        size = found.checkpoint.size
        return f"log {found.log} has the records among {size} entries; cosigned by {names}"

    listed = (name for name in members if name.startswith(form.CHECKPOINTS))
    for stem in sorted({name.rpartition(".")[0] for name in listed}):
        name, beside = f"{stem}.checkpoint", f"{stem}.json"
        if own.log_keys is None and beside in members:
            checked.compare[beside] = hashlib.sha256(members[beside]).hexdigest()
        found = checked.attempt(f"{name} of its log", partial(check, name, beside), say)
        if found is not None:
            checked.checkpoints.append(found)


def _check_fixed(
    checked: Checked,
    members: Mapping[str, bytes],
    manifest: Mapping[str, Any],
    rest: Rest,
    certificates: Sequence[Certificate],
) -> None:
    """Compare what follows from the proofs, and from this release, with what the pack has."""
    if checked.failures or not checked.proven:
        return  # the report of what does not hold cannot be remade
    stamps = sorted(checked.stamps, key=lambda one: (one.block.height, one.token))
    facts = Facts(checked.proven, stamps, rest, manifest["language"])
    known = VERIFIERS | {hashlib.sha256(verifier()).hexdigest()}
    for name, content in fixed(facts, certificates).items():
        checked.attempt(
            f"{name}{FOLLOWS}",
            partial(_same, name, content, members, known),
            lambda _: "as this release writes it",
        )


def _same(name: str, content: bytes, members: Mapping[str, bytes], known: frozenset[str]) -> None:
    found = members.get(name)
    if name == form.VERIFIER and found is not None:
        if hashlib.sha256(found).hexdigest() not in known:
            raise CourtPackDiffers(f"{name} is not the verifier of this or a former release")
    elif found != content:
        raise CourtPackDiffers(f"{name} is not what the pack's proofs give: it was forged")
