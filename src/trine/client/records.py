"""Describe what a node answers, each record as a frozen dataclass made from its JSON.

>>> from trine.client.records import ValidatorStatus
>>> ValidatorStatus.read({"name": "v0", "organisation": 0, "key": "00" * 32, "healthy": True}).name
'v0'
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self, TypeVar

from trine._core import registry
from trine.errors import BadAnswer, BadArgument, error_of
from trine.types import (
    Address,
    Amount,
    AssetId,
    ChainId,
    Digest,
    Epoch,
    Event,
    Height,
    LogId,
    MemberCertificate,
    Nonce,
    OrganisationId,
    Outcome,
    ProposalId,
    Roles,
    TimeMs,
    TransactionId,
)

R = TypeVar("R")

ANYONE: Final = "anyone"
"""Who may read a chain that no vote has closed."""

CODES: Final = dict(registry.codes())
"""Code of each outcome by its number."""


def read_record(kind: Callable[[Any], R], document: Any) -> R:
    """Make a record from JSON.

    Raises:
        BadAnswer: A field is missing or has another shape.
    """
    try:
        return kind(document)
    except (KeyError, TypeError, ValueError, AttributeError, BadArgument) as error:
        name = getattr(kind, "__qualname__", "record")
        message = f"the node's answer is no {name}: {type(error).__name__}: {error}"
        raise BadAnswer(message) from None


@dataclass(frozen=True)
class ValidatorStatus:
    """A validator as its peers see it; `height` and `url` are none where unknown.

    Where other validators reach it is its `address`, as `host:port`; nodes of earlier versions do
    not say it.
    """

    name: str
    organisation: OrganisationId
    key: str
    address: str | None
    url: str | None
    height: Height | None
    healthy: bool

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        height = document.get("height")
        return cls(
            name=str(document["name"]),
            organisation=OrganisationId(document["organisation"]),
            key=str(document["key"]),
            address=document.get("address"),
            url=document.get("url"),
            height=None if height is None else Height(int(height)),
            healthy=bool(document["healthy"]),
        )


@dataclass(frozen=True)
class Status:
    """What a node says about itself and its chain.

    Attributes:
        read_access: Who may read the chain: anyone, members, or roles.
        document: The whole answer.
    """

    chain: str
    chain_id: ChainId
    suite: str
    height: Height
    epoch: Epoch
    time_ms: TimeMs
    read_access: str
    version: str
    validators: tuple[ValidatorStatus, ...]
    document: dict[str, Any]

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        return cls(
            chain=str(document["chain"]),
            chain_id=ChainId.parse(document["chain_id"]),
            suite=str(document["suite"]),
            height=Height(int(document["height"])),
            epoch=Epoch(int(document["epoch"])),
            time_ms=TimeMs(int(document["time_ms"])),
            # Older nodes say nothing, and let everybody read.
            read_access=str(document.get("read_access", ANYONE)),
            version=str(document["version"]),
            validators=tuple(ValidatorStatus.read(one) for one in document["validators"]),
            document=document,
        )


@dataclass(frozen=True)
class BlockSummary:
    """A block in a list or in the stream; `transactions` is their number."""

    height: Height
    digest: Digest
    time_ms: TimeMs
    epoch: Epoch
    transactions: int

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        return cls(
            height=Height(int(document["height"])),
            digest=Digest.parse(document["digest"]),
            time_ms=TimeMs(int(document["time_ms"])),
            epoch=Epoch(int(document["epoch"])),
            transactions=int(document["transactions"]),
        )


@dataclass(frozen=True)
class Block:
    """A block with the ids of its transactions.

    Attributes:
        certified: Whether the node holds a certificate of this very block; else a later one
            covers it.
        document: The whole answer, with every field of the header.
    """

    height: Height
    digest: Digest
    time_ms: TimeMs
    epoch: Epoch
    certified: bool
    transactions: tuple[TransactionId, ...]
    document: dict[str, Any]

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        return cls(
            height=Height(int(document["height"])),
            digest=Digest.parse(document["digest"]),
            time_ms=TimeMs(int(document["time_ms"])),
            epoch=Epoch(int(document["epoch"])),
            certified=bool(document["certified"]),
            transactions=tuple(TransactionId.parse(one) for one in document["transactions"]),
            document=document,
        )


def _event(document: Any) -> Event:
    return Event(
        emitter=str(document.get("module") or document["emitter"]),
        topics=tuple(Digest.parse(topic) for topic in document["topics"]),
        data=bytes.fromhex(document["data"]),
    )


def _outcome(document: Any) -> Outcome:
    return Outcome(
        code=str(document["code"]),
        number=int(document["number"]),
        failed_call=int(document["failed_call"] or 0),
        gas_used=int(document["gas_used"]),
        events=tuple(_event(event) for event in document["events"]),
    )


@dataclass(frozen=True)
class FinalTransaction:
    """A transaction that is final, with its outcome.

    Attributes:
        document: The whole answer, with the decoded calls.
    """

    id: TransactionId
    height: Height
    index: int
    time_ms: TimeMs
    sender: Address
    nonce: Nonce
    outcome: Outcome
    document: dict[str, Any]

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        return cls(
            id=TransactionId.parse(document["id"]),
            height=Height(int(document["height"])),
            index=int(document["index"]),
            time_ms=TimeMs(int(document["time_ms"])),
            sender=Address.parse(document["sender"]),
            nonce=Nonce(int(document["nonce"])),
            outcome=_outcome(document["outcome"]),
            document=document,
        )

    def check(self) -> Self:
        """Return the transaction where every call succeeded.

        Raises:
            FailedOutcome: The exception of the outcome's code.
        """
        error = self.outcome.error(instance=str(self.id))
        if error:
            raise error
        return self


class TransactionSummary(NamedTuple):
    """A final transaction as the stream of blocks names it.

    Attributes:
        id: Identifier, by which `transaction` fetches the rest.
        height: Height of its block.
        number: Number of the outcome's code; 0 where every call succeeded.
    """

    id: TransactionId
    height: Height
    number: int

    @property
    def code(self) -> str:
        """Stable code of the outcome; `ok` where every call succeeded."""
        return CODES.get(self.number, f"unknown_{self.number}")

    @property
    def is_ok(self) -> bool:
        """Whether every call succeeded."""
        return self.number == 0

    def check(self) -> Self:
        """Return the transaction where every call succeeded.

        Raises:
            FailedOutcome: The exception of the outcome's code.
        """
        if self.is_ok:
            return self
        raise error_of(self.code, f"the transaction failed: {self.code}", instance=str(self.id))


@dataclass(frozen=True)
class Account:
    """An account in the latest final state.

    Attributes:
        balance: Balance of the primary asset, in its smallest unit.
        nonce_base: Lowest nonce of the window.
        nonce_used: Bit `i` is set when nonce `nonce_base + i` is used.
        certificate: X.509 certificate recorded for it; none where there is none.
        document: The whole answer.
    """

    address: Address
    organisation: OrganisationId
    roles: Roles
    frozen: bool
    balance: Amount
    nonce_base: Nonce
    nonce_used: int
    certificate: MemberCertificate | None
    document: dict[str, Any]

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        used, certificate = document["nonce_used"], document.get("certificate")
        return cls(
            address=Address.parse(document["address"]),
            organisation=OrganisationId(int(document["organisation"])),
            roles=Roles.parse(document["roles"]),
            frozen=bool(document["frozen"]),
            balance=Amount(int(document["balance"])),
            nonce_base=Nonce(int(document["nonce_base"])),
            nonce_used=int(used, 16) if isinstance(used, str) else int(used),
            certificate=read_certificate(certificate) if certificate else None,
            document=document,
        )


@dataclass(frozen=True)
class Authority:
    """A certification authority that names members of an organisation."""

    fingerprint: Digest
    expires_ms: TimeMs

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        return cls(
            fingerprint=Digest.parse(document["fingerprint"]),
            expires_ms=TimeMs(int(document["expires_ms"])),
        )


@dataclass(frozen=True)
class CertifiedMember:
    """A member of an organisation with the X.509 certificate recorded for it.

    Attributes:
        number: Place in the order of the first certificates.
        frozen: Whether the account may not act.
    """

    number: int
    address: Address
    frozen: bool
    certificate: MemberCertificate

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        return cls(
            number=int(document["number"]),
            address=Address.parse(document["address"]),
            frozen=bool(document["frozen"]),
            certificate=read_certificate(document),
        )


def read_certificate(document: Any) -> MemberCertificate:
    """Make the record of a certificate from JSON."""
    return MemberCertificate(
        fingerprint=Digest.parse(document["fingerprint"]),
        authority=Digest.parse(document["authority"]),
        expires_ms=TimeMs(int(document["expires_ms"])),
    )


@dataclass(frozen=True)
class Organisation:
    """An organisation of the chain; one that was removed acts no more."""

    id: OrganisationId
    name: str
    administrators: int
    removed: bool

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        return cls(
            id=OrganisationId(int(document["id"])),
            name=str(document["name"]),
            administrators=int(document["administrators"]),
            removed=bool(document["removed"]),
        )


@dataclass(frozen=True)
class Asset:
    """An asset; `supply` counts its smallest units."""

    id: AssetId
    organisation: OrganisationId
    symbol: str
    name: str
    decimals: int
    supply: Amount

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        return cls(
            id=AssetId(int(document["id"])),
            organisation=OrganisationId(int(document["organisation"])),
            symbol=str(document["symbol"]),
            name=str(document["name"]),
            decimals=int(document["decimals"]),
            supply=Amount(int(document["supply"])),
        )


@dataclass(frozen=True)
class Log:
    """An evidence log; `size` is the number of its entries, `head` the root over them."""

    id: LogId
    organisation: OrganisationId
    name: str
    size: int
    head: Digest

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        return cls(
            id=LogId(int(document["id"])),
            organisation=OrganisationId(int(document["organisation"])),
            name=str(document["name"]),
            size=int(document["size"]),
            head=Digest.parse(document["head"]),
        )


@dataclass(frozen=True)
class Misbehaviour:
    """Evidence against a validator: two signed votes that exclude each other.

    Attributes:
        id: Name of the evidence.
        conflict: How the votes exclude each other: `two_notarizations`, `two_finalizations` or
            `nullification_and_finalization`.
        validator: Name of the validator.
        organisation: Organisation that runs it.
        algorithm: Algorithm of its key.
        key: Its public key.
        epoch: Epoch of both votes.
        view: View of both votes.
        document: The whole answer.
    """

    id: Digest
    conflict: str
    validator: str
    organisation: OrganisationId
    algorithm: str
    key: bytes
    epoch: int
    view: int
    document: dict[str, Any]

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        return cls(
            id=Digest.parse(document["id"]),
            conflict=str(document["conflict"]),
            validator=str(document["validator"]),
            organisation=OrganisationId(int(document["organisation"])),
            algorithm=str(document["algorithm"]),
            key=bytes.fromhex(document["key"]),
            epoch=int(document["epoch"]),
            view=int(document["view"]),
            document=document,
        )


@dataclass(frozen=True)
class Proposal:
    """A proposal with its votes.

    Attributes:
        status: `open`, `executed` or `rejected`.
        document: The whole answer, with the action.
    """

    id: ProposalId
    organisation: OrganisationId
    status: str
    expires_ms: TimeMs
    approvals: tuple[OrganisationId, ...]
    rejections: tuple[OrganisationId, ...]
    document: dict[str, Any]

    @classmethod
    def read(cls, document: Any) -> Self:
        """Make the record from JSON."""
        return cls(
            id=ProposalId(int(document["id"])),
            organisation=OrganisationId(int(document["organisation"])),
            status=str(document["status"]),
            expires_ms=TimeMs(int(document["expires_ms"])),
            approvals=tuple(OrganisationId(int(one)) for one in document["approvals"]),
            rejections=tuple(OrganisationId(int(one)) for one in document["rejections"]),
            document=document,
        )
