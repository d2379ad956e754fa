"""Define the calls of every module and their canonical arguments.

A call's class says its module and method; its fields are its arguments in order.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final

from trine.model.account import ROLES, Roles
from trine.model.codec import (
    U8,
    U32,
    U64,
    Bytes,
    Format,
    ListOf,
    Optional,
    Raw,
    Reader,
    Structure,
    Text8,
)
from trine.model.identifiers import (
    Address,
    Amount,
    AssetId,
    Digest,
    KeyIndex,
    LogId,
    Milliseconds,
    OrganisationId,
    ProposalId,
    ValidatorKey,
)
from trine.model.keys import PublicKey
from trine.model.limits import (
    ENTRIES_MAX,
    EVIDENCE_REFERENCE_BYTES_MAX,
    MEDIA_TYPE_BYTES_MAX,
    NAME_BYTES_MAX,
    SYMBOL_BYTES_MAX,
    TRANSFER_REFERENCE_BYTES_MAX,
    TRANSFER_REFERENCE_BYTES_MIN,
)
from trine.model.transaction import RawCall
from trine.model.validators import Validator
from trine.model.verdicts import (
    BadArguments,
    Malformed,
    Undecodable,
    UnknownMethod,
    UnknownModule,
)
from trine.model.x509 import MemberCertificate

ACCOUNTS: Final = 1
"""Module of accounts and their keys."""
ORGANISATIONS: Final = 2
"""Module of organisations, their members and quotas."""
PROPOSALS: Final = 3
"""Module of what several organisations decide together."""
EVIDENCE: Final = 4
"""Module of evidence logs."""
ASSETS: Final = 5
"""Module of named units that accounts hold."""

MODULES: Final = {
    ACCOUNTS: "accounts",
    ORGANISATIONS: "organisations",
    PROPOSALS: "proposals",
    EVIDENCE: "evidence",
    ASSETS: "assets",
}
"""Names of the modules."""

METHODS: Final[dict[tuple[int, int], type["Call"]]] = {}
"""Every call by the numbers of its module and method."""


class Call(Structure):
    """One call of a module's method."""

    module: ClassVar[int]
    """Number of the module."""
    method: ClassVar[int]
    """Number of the method in the module."""
    method_name: ClassVar[str]
    """Name of the method."""

    def __init_subclass__(cls, *, module: int, method: int, name: str) -> None:
        """Register a call under its numbers."""
        super().__init_subclass__()
        cls.module, cls.method, cls.method_name = module, method, name
        METHODS[module, method] = cls

    def to_raw(self) -> RawCall:
        """Encode the call as it stands in a transaction."""
        return RawCall(self.module, self.method, self.encode())


def read_call(raw: RawCall) -> Call:
    """Read a call of a transaction.

    Raises:
        UnknownModule: No module has the number.
        UnknownMethod: The module has no method with the number.
        BadArguments: The arguments are not the encoding of the method's arguments.
    """
    if raw.module not in MODULES:
        raise UnknownModule
    kind = METHODS.get((raw.module, raw.method))
    if kind is None:
        raise UnknownMethod
    try:
        return kind.from_bytes(raw.arguments)
    except Undecodable as error:
        raise BadArguments(str(error)) from None


class Action(Structure):
    """What a proposal does once enough organisations approve it."""

    number: ClassVar[int]
    """Number on the wire; it stands before the action's fields."""

    def __init_subclass__(cls, *, number: int) -> None:
        """Register an action under its number."""
        super().__init_subclass__()
        cls.number = number
        _ACTIONS[number] = cls


_ACTIONS: Final[dict[int, type[Action]]] = {}


class ActionFormat(Format[Action]):
    """An action: its number as one byte, then its fields."""

    def write(self, value: Action) -> bytes:
        """Return number and fields."""
        return U8.write(value.number) + value.encode()

    def read(self, reader: Reader) -> Action:
        """Take an action; a number that none has is malformed."""
        kind = _ACTIONS.get(reader.integer(1))
        if kind is None:
            raise Malformed("unknown action")
        return kind.decode(reader)


ACTION: Final = ActionFormat()
"""Format of an action."""


@dataclass(frozen=True)
class Freeze(Action, number=1):
    """Freezes an account of any organisation."""

    address: Address
    """Account to freeze."""


@dataclass(frozen=True)
class Unfreeze(Action, number=2):
    """Unfreezes an account of any organisation."""

    address: Address
    """Account to unfreeze."""


@dataclass(frozen=True)
class SetParameter(Action, number=3):
    """Sets a parameter of the chain."""

    parameter: Annotated[int, U8]
    """Number of the parameter (see `parameters`)."""
    value: Annotated[int, U64]
    """New value, in the parameter's own unit."""


@dataclass(frozen=True)
class CreateOrganisation(Action, number=4):
    """Creates an organisation with its first administrator."""

    name: Annotated[str, Text8(NAME_BYTES_MAX, "name")]
    """Name, unique on the chain."""
    administrator: PublicKey
    """First key of the administrator's account."""


@dataclass(frozen=True)
class AdmitValidator(Action, number=5):
    """Admits a validator."""

    validator: Validator
    """Validator to admit."""


@dataclass(frozen=True)
class RemoveValidator(Action, number=6):
    """Removes a validator."""

    key: ValidatorKey
    """Key of the validator."""


@dataclass(frozen=True)
class ReplaceValidator(Action, number=7):
    """Gives a validator another key, name or address."""

    key: ValidatorKey
    """Key that it has."""
    validator: Validator
    """The validator as it will be, of the same organisation."""


@dataclass(frozen=True)
class RemoveOrganisation(Action, number=8):
    """Removes an organisation with its validators; its accounts act no more."""

    organisation: Annotated[OrganisationId, U32]
    """Organisation to remove."""


class TransferReferenceFormat(Format[bytes]):
    """A transfer's reference: a byte string with a length byte, not too short either."""

    _BYTES: ClassVar[Format[bytes]] = Bytes(1, TRANSFER_REFERENCE_BYTES_MAX, "transfer reference")

    def write(self, value: bytes) -> bytes:
        """Return length and bytes."""
        return self._BYTES.write(value)

    def read(self, reader: Reader) -> bytes:
        """Take a reference; one that is too short is malformed."""
        data = self._BYTES.read(reader)
        if len(data) < TRANSFER_REFERENCE_BYTES_MIN:
            raise Malformed(f"transfer reference: at least {TRANSFER_REFERENCE_BYTES_MIN} bytes")
        return data


TRANSFER_REFERENCE: Final[Format[Any]] = TransferReferenceFormat()
"""Format of a transfer's reference."""


@dataclass(frozen=True)
class AccountCreate(Call, module=ACCOUNTS, method=1, name="create"):
    """Creates an account in the sender's organisation."""

    key: PublicKey
    """First key; the address follows from it."""
    roles: Annotated[Roles, ROLES]
    """Roles in the organisation."""


@dataclass(frozen=True)
class KeyAdd(Call, module=ACCOUNTS, method=2, name="add_key"):
    """Adds a key to the sender's account, from the next block on."""

    key: PublicKey
    """The key."""
    modules: Annotated[int, U32]
    """Bit `m` set: the key may call module `m`."""


@dataclass(frozen=True)
class KeyRevoke(Call, module=ACCOUNTS, method=3, name="revoke_key"):
    """Revokes a key of the sender's account, from the next block on."""

    key_index: Annotated[KeyIndex, U8]
    """Index of the key; not 0."""


@dataclass(frozen=True)
class KeyRotate(Call, module=ACCOUNTS, method=4, name="rotate_key"):
    """Replaces a key of the sender's account, from the next block on."""

    key_index: Annotated[KeyIndex, U8]
    """Index of the key."""
    key: PublicKey
    """New key; what it may call stays."""


@dataclass(frozen=True)
class AccountFreeze(Call, module=ACCOUNTS, method=5, name="freeze"):
    """Freezes an account of the sender's organisation."""

    address: Address
    """Account to freeze."""


@dataclass(frozen=True)
class AccountUnfreeze(Call, module=ACCOUNTS, method=6, name="unfreeze"):
    """Unfreezes an account of the sender's organisation."""

    address: Address
    """Account to unfreeze."""


@dataclass(frozen=True)
class AccountEnrol(Call, module=ACCOUNTS, method=7, name="enrol"):
    """Creates an account in the sender's organisation for the holder of a certificate."""

    key: PublicKey
    """First key, which the certificate is for; the address follows from it."""
    roles: Annotated[Roles, ROLES]
    """Roles in the organisation."""
    certificate: MemberCertificate
    """The certificate."""


@dataclass(frozen=True)
class CertificateSet(Call, module=ACCOUNTS, method=8, name="set_certificate"):
    """Records a new certificate of a member of the sender's organisation."""

    address: Address
    """Member."""
    certificate: MemberCertificate
    """The certificate, in place of one recorded before."""


@dataclass(frozen=True)
class RolesSet(Call, module=ORGANISATIONS, method=1, name="set_roles"):
    """Sets the roles of a member of the sender's organisation."""

    address: Address
    """Member."""
    roles: Annotated[Roles, ROLES]
    """New roles."""


@dataclass(frozen=True)
class QuotaSet(Call, module=ORGANISATIONS, method=2, name="set_quota"):
    """Sets the quota of a member of the sender's organisation."""

    address: Address
    """Member."""
    quota: Annotated[int, U32]
    """Units a window; 0 takes the chain's parameter `account_quota`."""


@dataclass(frozen=True)
class AuthorityRegister(Call, module=ORGANISATIONS, method=3, name="register_authority"):
    """Lets a certification authority name members of the sender's organisation."""

    fingerprint: Digest
    """Hash of its certificate."""
    expires_ms: Annotated[Milliseconds, U64]
    """Last moment at which its certificate is valid, in Unix milliseconds."""


@dataclass(frozen=True)
class AuthorityRemove(Call, module=ORGANISATIONS, method=4, name="remove_authority"):
    """Lets a certification authority name no further members."""

    fingerprint: Digest
    """Hash of its certificate."""


@dataclass(frozen=True)
class ProposalSubmit(Call, module=PROPOSALS, method=1, name="submit"):
    """Submits a proposal and approves it for the sender's organisation."""

    action: Annotated[Action, ACTION]
    """What to do."""
    expires_ms: Annotated[Milliseconds, U64]
    """Last block time at which it can be voted on, in Unix milliseconds."""


@dataclass(frozen=True)
class ProposalApprove(Call, module=PROPOSALS, method=2, name="approve"):
    """Approves a proposal for the sender's organisation; the vote that suffices executes it."""

    proposal: Annotated[ProposalId, U64]
    """Proposal."""
    action: Annotated[Action, ACTION]
    """The proposal's action again, so that an approver signs what happens."""


@dataclass(frozen=True)
class ProposalReject(Call, module=PROPOSALS, method=3, name="reject"):
    """Rejects a proposal for the sender's organisation."""

    proposal: Annotated[ProposalId, U64]
    """Proposal."""


@dataclass(frozen=True)
class LogCreate(Call, module=EVIDENCE, method=1, name="create_log"):
    """Creates an evidence log of the sender's organisation."""

    name: Annotated[str, Text8(NAME_BYTES_MAX, "name")]
    """Name, unique in the organisation."""


@dataclass(frozen=True)
class EvidenceAppend(Call, module=EVIDENCE, method=2, name="append"):
    """Appends entries to an evidence log of the sender's organisation."""

    log: Annotated[LogId, U32]
    """Log."""
    media_type: Annotated[str, Text8(MEDIA_TYPE_BYTES_MAX, "media type")]
    """Media type of what the entries commit to (RFC 6838), may be empty; not checked."""
    reference: Annotated[bytes, Bytes(1, EVIDENCE_REFERENCE_BYTES_MAX, "reference")]
    """Reference of the submitter, may be empty; not checked."""
    entries: Annotated[tuple[Digest, ...], ListOf(Raw(Digest), ENTRIES_MAX, "entries", least=1)]
    """Entries: salted commitments of files, or digests of registered statements."""


@dataclass(frozen=True)
class AssetDefine(Call, module=ASSETS, method=1, name="define"):
    """Defines an asset of the sender's organisation."""

    symbol: Annotated[str, Text8(SYMBOL_BYTES_MAX, "symbol")]
    """Symbol, unique in the organisation."""
    name: Annotated[str, Text8(NAME_BYTES_MAX, "name")]
    """Name for people."""
    decimals: Annotated[int, U8]
    """Digits after the decimal point."""


@dataclass(frozen=True)
class AssetIssue(Call, module=ASSETS, method=2, name="issue"):
    """Issues units of an asset of the sender's organisation."""

    asset: Annotated[AssetId, U32]
    """Asset."""
    to: Address
    """Recipient."""
    amount: Annotated[Amount, U64]
    """Units."""


@dataclass(frozen=True)
class AssetTransfer(Call, module=ASSETS, method=3, name="transfer"):
    """Transfers units to another account."""

    asset: Annotated[AssetId, U32]
    """Asset."""
    to: Address
    """Recipient."""
    amount: Annotated[Amount, U64]
    """Units."""
    reference: Annotated[bytes | None, Optional(TRANSFER_REFERENCE)]
    """Reference under which the transfer can be found and proven; each sender uses it once."""


@dataclass(frozen=True)
class AssetBurn(Call, module=ASSETS, method=4, name="burn"):
    """Burns units of the sender."""

    asset: Annotated[AssetId, U32]
    """Asset."""
    amount: Annotated[Amount, U64]
    """Units."""
