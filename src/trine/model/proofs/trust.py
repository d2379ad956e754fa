"""Read what a verifier believes without proof: `trust.json`.

Source: `docs/reference/proofs.md`, section 5.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

from trine.model.hashing import Suite, under
from trine.model.identifiers import ChainId, Epoch, ValidatorKey
from trine.model.keys import OF_SUITE, Algorithm, PublicKey, validator_key
from trine.model.limits import TRUST_BYTES_MAX, U64_MAX, VALIDATORS_MAX
from trine.model.proofs.verdicts import UnusableTrust

TRUST_FORMAT: Final = "trine-trust-v1"
"""Value of `format` in the file."""

_ORGANISATION_MAX: Final = 2**32 - 1

T = TypeVar("T")


@dataclass(frozen=True)
class TrustedValidator:
    """A validator in the trust file."""

    name: str
    """Name for people."""
    organisation: int | str
    """Organisation that runs it, by number or by name."""
    key: ValidatorKey
    """Public key."""


@dataclass(frozen=True)
class Trust:
    """The chain and the validators that a verifier trusts, from one epoch on."""

    chain: str
    """Name of the chain; for people, nothing is verified with it."""
    chain_id: ChainId
    """Chain."""
    suite: Suite
    """Suite of the chain."""
    epoch: Epoch
    """Epoch from which the validators are trusted."""
    validators: tuple[TrustedValidator, ...]
    """Validators, ordered by key."""


def read_trust(data: bytes) -> Trust:
    """Read a trust file.

    Raises:
        UnusableTrust: It is not one; the message names what is wrong.
    """
    if len(data) > TRUST_BYTES_MAX:
        raise _unusable(f"{len(data)} bytes, at most {TRUST_BYTES_MAX} are read")
    try:
        document = json.loads(
            data.decode(),
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError) as error:
        raise _unusable(str(error)) from None
    if _field(document, "format", str) != TRUST_FORMAT:
        raise _unusable(f"format {document['format']!r}, expected {TRUST_FORMAT!r}")
    if _field(document, "suite", str) not in list(Suite):
        raise _unusable(f"suite {document['suite']!r}, expected one of {sorted(Suite)}")
    suite = Suite(document["suite"])
    with under(suite):
        members = [_validator(suite, one) for one in _field(document, "validators", list)]
    if not 1 <= len(members) <= VALIDATORS_MAX:
        raise _unusable(f"{len(members)} validators, expected 1 to {VALIDATORS_MAX}")
    members.sort(key=lambda member: member.key)
    if len({member.key for member in members}) != len(members):
        raise _unusable("a validator's key stands twice")
    return Trust(
        chain=_field(document, "chain", str),
        chain_id=_bytes(document, "chain_id", ChainId),
        suite=suite,
        epoch=Epoch(_number(_field(document, "epoch", int), U64_MAX)),
        validators=tuple(members),
    )


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field stands twice")
    return fields


def _integer(text: str) -> int | float:
    return -0.0 if text == "-0" else int(text)  # a signed zero is no unsigned integer


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _validator(suite: Suite, member: object) -> TrustedValidator:
    name = _field(member, "name", str)
    key = validator_key(PublicKey(_algorithm(suite, member), _hexadecimal(member, "key")))
    if key is None:
        raise _unusable(f"the key of {name!r} is no key of suite {suite}")
    organisation: int | str
    if isinstance(member, dict) and isinstance(member.get("organisation"), str):
        organisation = _field(member, "organisation", str)
    else:
        organisation = _number(_field(member, "organisation", int), _ORGANISATION_MAX)
    return TrustedValidator(name, organisation, key)


def _field(value: object, name: str, kind: type[T]) -> T:
    if not isinstance(value, dict) or type(value.get(name)) is not kind:
        raise _unusable(f"{name} is missing or not of its type")
    found: T = value[name]
    if isinstance(found, str) and any("\ud800" <= character <= "\udfff" for character in found):
        raise _unusable(f"{name} holds half of a character")
    return found


def _number(value: int, most: int) -> int:
    if not 0 <= value <= most:
        raise _unusable(f"{value} is not from 0 to {most}")
    return value


def _algorithm(suite: Suite, member: object) -> Algorithm:
    """Read the algorithm of a key; left out, or null, it is the suite's."""
    if not isinstance(member, dict) or member.get("algorithm") is None:
        return OF_SUITE[suite]
    label = _field(member, "algorithm", str)
    named = {algorithm.label: algorithm for algorithm in Algorithm}
    if label not in named:
        raise _unusable(f"algorithm {label!r}, expected one of {sorted(named)}")
    return named[label]


def _hexadecimal(value: object, name: str) -> bytes:
    text = _field(value, name, str)
    if not re.fullmatch("([0-9a-fA-F]{2})*", text):
        raise _unusable(f"{name} is not hexadecimal")
    return bytes.fromhex(text)


def _bytes(value: object, name: str, kind: Callable[[bytes], T]) -> T:
    data = _hexadecimal(value, name)
    try:
        return kind(data)
    except ValueError as error:
        raise _unusable(f"{name}: {error}") from None


def _unusable(problem: str) -> UnusableTrust:
    return UnusableTrust(f"the trust file cannot be used: {problem}")
