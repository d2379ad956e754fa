"""Keep the certification authorities that organisations trust to name their members.

Paths, signatures and revocation are checked off the chain. The chain checks what can be decided
here: the authority is registered, and neither it nor the certificate has expired at the block's
time. A certificate that expires later takes no right away; an administrator freezes its account.
"""

from dataclasses import replace
from typing import Final

from trine.model.account import Roles
from trine.model.calls import ORGANISATIONS, AuthorityRegister, AuthorityRemove
from trine.model.codec import U32, U64
from trine.model.context import Caller, Effects
from trine.model.identifiers import Address, OrganisationId
from trine.model.limits import AUTHORITIES_MAX
from trine.model.outcome import Event
from trine.model.state import State
from trine.model.state_keys import certificate_registry_key, certified_member_key
from trine.model.verdicts import (
    AuthorityExists,
    AuthorityExpired,
    AuthorityLimit,
    ExpiryPassed,
    UnknownAuthority,
)
from trine.model.x509 import Authority, CertificateRegistry, MemberCertificate

REGISTERED: Final = 4
"""Event: an authority was registered. Fields: organisation, fingerprint, expiry."""
REMOVED: Final = 5
"""Event: an authority was removed. Fields: organisation, fingerprint."""


def register(call: AuthorityRegister, caller: Caller, effects: Effects) -> None:
    """Register an authority of the sender's organisation.

    Raises:
        NoRight: The sender is no administrator.
        ExpiryPassed: Its certificate has expired at the block's time.
        AuthorityExists: It is registered already.
        AuthorityLimit: The organisation has `AUTHORITIES_MAX` authorities.
    """
    organisation = caller.require_role(Roles.ADMINISTRATOR, effects).organisation
    if call.expires_ms < caller.block.time_ms:
        raise ExpiryPassed
    registry = registry_of(organisation, effects.state)
    if registry.authority(call.fingerprint) is not None:
        raise AuthorityExists
    if len(registry.authorities) == AUTHORITIES_MAX:
        raise AuthorityLimit
    authorities = (*registry.authorities, Authority(call.fingerprint, call.expires_ms))
    _write(organisation, replace(registry, authorities=authorities), effects.state)
    fields = U32.write(organisation) + call.fingerprint + U64.write(call.expires_ms)
    effects.events.append(Event.of_module(ORGANISATIONS, REGISTERED, fields))


def remove(call: AuthorityRemove, caller: Caller, effects: Effects) -> None:
    """Remove an authority of the sender's organisation; what it vouched for stays recorded.

    Raises:
        NoRight: The sender is no administrator.
        UnknownAuthority: The authority is not registered.
    """
    organisation = caller.require_role(Roles.ADMINISTRATOR, effects).organisation
    registry = registry_of(organisation, effects.state)
    left = tuple(one for one in registry.authorities if one.fingerprint != call.fingerprint)
    if left == registry.authorities:
        raise UnknownAuthority
    _write(organisation, replace(registry, authorities=left), effects.state)
    fields = U32.write(organisation) + call.fingerprint
    effects.events.append(Event.of_module(ORGANISATIONS, REMOVED, fields))


def check_certificate(
    certificate: MemberCertificate, organisation: OrganisationId, caller: Caller, state: State
) -> None:
    """Check what the chain can know of a certificate.

    Raises:
        UnknownAuthority: Its authority is not one of the organisation.
        AuthorityExpired: Its authority has expired at the block's time.
        ExpiryPassed: It has expired itself.
    """
    authority = registry_of(organisation, state).authority(certificate.authority)
    if authority is None:
        raise UnknownAuthority
    if authority.expires_ms < caller.block.time_ms:
        raise AuthorityExpired
    if certificate.expires_ms < caller.block.time_ms:
        raise ExpiryPassed


def count_member(organisation: OrganisationId, address: Address, state: State) -> None:
    """Give the next number of an organisation's certified members to an account."""
    registry = registry_of(organisation, state)
    state.values[certified_member_key(organisation, registry.members)] = bytes(address)
    _write(organisation, replace(registry, members=registry.members + 1), state)


def registry_of(organisation: OrganisationId, state: State) -> CertificateRegistry:
    """Read what an organisation keeps for certificates; empty where it keeps nothing."""
    found = state.read(certificate_registry_key(organisation), CertificateRegistry)
    return found or CertificateRegistry(0, ())


def _write(organisation: OrganisationId, registry: CertificateRegistry, state: State) -> None:
    state.write(certificate_registry_key(organisation), registry)
