"""Describe the calls of every module; `encode` gives the bytes that a transaction carries.

>>> from trine.types import LogCreate, decode_call
>>> decode_call(LogCreate(name="contracts").encode())
LogCreate(name='contracts')
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self, cast

from trine._core import calls as core
from trine.errors import BadArgument, Malformed
from trine.types.identifiers import (
    Address,
    Amount,
    AssetId,
    Digest,
    LogId,
    ProposalId,
    TimeMs,
)
from trine.types.roles import Roles

CERTIFICATE_BYTES: Final = 72
"""Bytes of the record of a certificate: two digests and a time."""


@dataclass(frozen=True)
class PublicKey:
    """A public key with the name of its algorithm."""

    algorithm: str
    key: bytes


@dataclass(frozen=True)
class MemberCertificate:
    """What the chain keeps of a member's X.509 certificate.

    Attributes:
        fingerprint: Hash of its DER encoding under the chain's suite.
        authority: The same of the authority at the end of its path.
        expires_ms: Last moment at which it is valid.
    """

    fingerprint: Digest
    authority: Digest
    expires_ms: TimeMs

    @classmethod
    def decode(cls, record: bytes) -> Self:
        """Read the record as the state holds it (docs/reference/wire.md, section 5).

        Raises:
            Malformed: It has another length.
        """
        if len(record) != CERTIFICATE_BYTES:
            raise Malformed(f"a certificate of {len(record)} bytes, expected {CERTIFICATE_BYTES}")
        expires_ms = TimeMs(int.from_bytes(record[64:]))
        return cls(Digest(record[:32]), Digest(record[32:64]), expires_ms)


@dataclass(frozen=True)
class Freeze:
    """Freeze an account of any organisation."""

    address: Address


@dataclass(frozen=True)
class Unfreeze:
    """Unfreeze an account of any organisation."""

    address: Address


@dataclass(frozen=True)
class SetParameter:
    """Set the parameter with this number to a value in its own unit."""

    parameter: int
    value: int


@dataclass(frozen=True)
class CreateOrganisation:
    """Create an organisation with its first administrator."""

    name: str
    administrator: PublicKey


@dataclass(frozen=True)
class Validator:
    """A validator as organisations decide on it.

    Attributes:
        key: Key that signs its votes.
        organisation: Number of the organisation that runs it.
        name: Name for people.
        address: Where peers reach it, as `host:port`.
    """

    key: PublicKey
    organisation: int
    name: str
    address: str


@dataclass(frozen=True)
class AdmitValidator:
    """Admit a validator."""

    validator: Validator


@dataclass(frozen=True)
class RemoveValidator:
    """Remove the validator with this key."""

    key: PublicKey


@dataclass(frozen=True)
class ReplaceValidator:
    """Give the validator with this key another key, name or address; its organisation stays."""

    key: PublicKey
    validator: Validator


@dataclass(frozen=True)
class RemoveOrganisation:
    """Remove an organisation with its validators; its accounts act no more."""

    organisation: int


Action = (
    Freeze
    | Unfreeze
    | SetParameter
    | CreateOrganisation
    | AdmitValidator
    | RemoveValidator
    | ReplaceValidator
    | RemoveOrganisation
)
"""What a proposal does once enough organisations approve it."""


class Call:
    """One call of a module's method."""

    NAME: ClassVar[str]
    """Module and method, as in `assets.transfer`."""
    by_name: ClassVar[dict[str, type["Call"]]] = {}

    def __init_subclass__(cls, *, name: str) -> None:
        cls.NAME = name
        Call.by_name[name] = cls

    def encode(self) -> bytes:
        """Return the canonical encoding: module, method, arguments.

        Raises:
            TooLarge: A field is over its limit.
            BadArgument: A field is outside its range.
            BadArguments: The fields together are not allowed.
        """
        lowered = {}
        for name in cast(Any, self).__dataclass_fields__:
            value = getattr(self, name)
            lowered[name] = value if type(value) in _PLAIN else _lower(value)
        return core.encode(self.NAME, lowered)


# Types of fields that cross the border as they are; others are looked at one by one.
_PLAIN: Final = frozenset({int, str, bytes, type(None), Address, Digest})


def _lower(value: object) -> object:
    """Turn a field into what crosses the border to the core."""
    match value:
        case PublicKey(algorithm, key):
            return algorithm, key
        case MemberCertificate(fingerprint, authority, expires_ms):
            return fingerprint, authority, expires_ms
        case Validator(key, organisation, name, address):
            return _lower(key), organisation, name, address
        case Roles():
            return int(value)
        case tuple():
            return list(value)
        case _ if isinstance(value, Action):
            return _lower_action(value)
        case _:
            return value


def _lower_action(action: Action) -> tuple[object, ...]:
    match action:
        case Freeze(address):
            return "freeze", address
        case Unfreeze(address):
            return "unfreeze", address
        case SetParameter(parameter, number):
            return "set_parameter", parameter, number
        case CreateOrganisation(name, administrator):
            return "create_organisation", name, _lower(administrator)
        case AdmitValidator(validator):
            return "admit_validator", _lower(validator)
        case RemoveValidator(key):
            return "remove_validator", _lower(key)
        case ReplaceValidator(key, validator):
            return "replace_validator", _lower(key), _lower(validator)
        case RemoveOrganisation(organisation):
            return "remove_organisation", organisation


def _lift_validator(
    key: tuple[str, bytes], organisation: int, name: str, address: str
) -> Validator:
    return Validator(PublicKey(*key), organisation, name, address)


def _lift_action(name: str, *parts: Any) -> Action:
    match name:
        case "freeze":
            return Freeze(Address(parts[0]))
        case "unfreeze":
            return Unfreeze(Address(parts[0]))
        case "set_parameter":
            return SetParameter(parts[0], parts[1])
        case "create_organisation":
            return CreateOrganisation(parts[0], PublicKey(*parts[1]))
        case "admit_validator":
            return AdmitValidator(_lift_validator(*parts[0]))
        case "remove_validator":
            return RemoveValidator(PublicKey(*parts[0]))
        case "replace_validator":
            return ReplaceValidator(PublicKey(*parts[0]), _lift_validator(*parts[1]))
        case "remove_organisation":
            return RemoveOrganisation(parts[0])
        case _:
            raise BadArgument(f"unknown action {name!r}")


def _lift(name: str, value: Any) -> object:
    """Turn what comes from the core into a field."""
    match name:
        case "key":
            return PublicKey(*value)
        case "roles":
            return Roles(value)
        case "address" | "to":
            return Address(value)
        case "action":
            return _lift_action(*value)
        case "fingerprint":
            return Digest(value)
        case "certificate":
            fingerprint, authority, expires_ms = value
            return MemberCertificate(Digest(fingerprint), Digest(authority), expires_ms)
        case "entries":
            return tuple(Digest(entry) for entry in value)
        case _:
            return value


def decode_call(encoded: bytes) -> Call:
    """Read an encoded call.

    Raises:
        UnknownModule, UnknownMethod, BadArguments: The bytes are no call of this release.
        Malformed, NonCanonical, TooLarge: The bytes are no call at all.
    """
    name, values = core.decode(encoded)
    kind = Call.by_name[name]
    return kind(**{field: _lift(field, value) for field, value in values.items()})


@dataclass(frozen=True)
class AccountCreate(Call, name="accounts.create"):
    """Create an account in the sender's organisation; its address follows from the key."""

    key: PublicKey
    roles: Roles = Roles.NONE


@dataclass(frozen=True)
class KeyAdd(Call, name="accounts.add_key"):
    """Add a key to the sender's account; bit `m` of `modules` lets it call module `m`."""

    key: PublicKey
    modules: int


@dataclass(frozen=True)
class KeyRevoke(Call, name="accounts.revoke_key"):
    """Revoke a key of the sender's account, other than key 0, from the next block on."""

    key_index: int


@dataclass(frozen=True)
class KeyRotate(Call, name="accounts.rotate_key"):
    """Replace a key of the sender's account, from the next block on."""

    key_index: int
    key: PublicKey


@dataclass(frozen=True)
class AccountFreeze(Call, name="accounts.freeze"):
    """Freeze an account of the sender's organisation."""

    address: Address


@dataclass(frozen=True)
class AccountUnfreeze(Call, name="accounts.unfreeze"):
    """Unfreeze an account of the sender's organisation."""

    address: Address


@dataclass(frozen=True)
class AccountEnrol(Call, name="accounts.enrol"):
    """Create an account for the holder of a certificate, which the signer has checked."""

    key: PublicKey
    certificate: MemberCertificate
    roles: Roles = Roles.NONE


@dataclass(frozen=True)
class CertificateSet(Call, name="accounts.set_certificate"):
    """Record a certificate of a member of the sender's organisation, its first or a renewal."""

    address: Address
    certificate: MemberCertificate


@dataclass(frozen=True)
class RolesSet(Call, name="organisations.set_roles"):
    """Set the roles of a member of the sender's organisation."""

    address: Address
    roles: Roles


@dataclass(frozen=True)
class QuotaSet(Call, name="organisations.set_quota"):
    """Set a member's quota in units a window; 0 takes the chain's parameter."""

    address: Address
    quota: int


@dataclass(frozen=True)
class AuthorityRegister(Call, name="organisations.register_authority"):
    """Let a certification authority name members of the sender's organisation."""

    fingerprint: Digest
    expires_ms: TimeMs


@dataclass(frozen=True)
class AuthorityRemove(Call, name="organisations.remove_authority"):
    """Let a certification authority name no further members."""

    fingerprint: Digest


@dataclass(frozen=True)
class ProposalSubmit(Call, name="proposals.submit"):
    """Submit a proposal and approve it for the sender's organisation."""

    action: Action
    expires_ms: TimeMs


@dataclass(frozen=True)
class ProposalApprove(Call, name="proposals.approve"):
    """Approve a proposal for the sender's organisation, naming its action again."""

    proposal: ProposalId
    action: Action


@dataclass(frozen=True)
class ProposalReject(Call, name="proposals.reject"):
    """Reject a proposal for the sender's organisation."""

    proposal: ProposalId


@dataclass(frozen=True)
class LogCreate(Call, name="evidence.create_log"):
    """Create an evidence log of the sender's organisation."""

    name: str


@dataclass(frozen=True)
class EvidenceAppend(Call, name="evidence.append"):
    """Append 1 to 1,000 entries to a log of the sender's organisation."""

    log: LogId
    entries: tuple[Digest, ...]
    media_type: str = ""
    reference: bytes = b""


@dataclass(frozen=True)
class AssetDefine(Call, name="assets.define"):
    """Define an asset of the sender's organisation."""

    symbol: str
    name: str
    decimals: int


@dataclass(frozen=True)
class AssetIssue(Call, name="assets.issue"):
    """Issue units of an asset of the sender's organisation."""

    asset: AssetId
    to: Address
    amount: Amount


@dataclass(frozen=True)
class AssetTransfer(Call, name="assets.transfer"):
    """Transfer units; a reference of 16 to 64 bytes makes the transfer findable and provable."""

    asset: AssetId
    to: Address
    amount: Amount
    reference: bytes | None = None


@dataclass(frozen=True)
class AssetBurn(Call, name="assets.burn"):
    """Burn units of the sender."""

    asset: AssetId
    amount: Amount
