"""Define the exceptions of what a chain does not hold."""

from trine.errors.base import ExitCode, TrineError


class NotFound(TrineError, abstract=True):
    """The chain holds no such thing, up to the node's latest final block."""

    exit_code = ExitCode.NEGATIVE


class TransactionNotFound(NotFound):
    """The node knows no final transaction with this id."""


class BlockNotFound(NotFound):
    """The chain has no final block of this height."""


class AccountNotFound(NotFound):
    """The address has no account."""


class StateNotFound(NotFound):
    """The state has no entry under this key."""


class EntryNotFound(NotFound):
    """The log has no such entry."""


class TransferNotFound(NotFound):
    """No transfer carries this reference."""


class OrganisationNotFound(NotFound):
    """The chain has no such organisation."""


class AssetNotFound(NotFound):
    """The chain has no such asset."""


class LogNotFound(NotFound):
    """The chain has no such evidence log."""


class ProposalNotFound(NotFound):
    """The chain has no such proposal."""


class MisbehaviourNotFound(NotFound):
    """The node keeps no such evidence of misbehaviour."""


class CertificateNotFound(NotFound):
    """The account has no certificate on the chain."""
