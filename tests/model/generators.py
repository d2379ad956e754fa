"""Generate blocks that fit a chain's state closely enough to reach every rule.

Everything follows from one seeded generator: a failing seed makes the same blocks again.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from tests.model import people
from tests.suite import ALGORITHM
from trine.crypto import SecretKey
from trine.model import calls
from trine.model.account import Account, Roles
from trine.model.chain import Chain
from trine.model.identifiers import (
    PRIMARY_ASSET,
    Address,
    Amount,
    AssetId,
    ChainId,
    Digest,
    KeyIndex,
    LogId,
    Milliseconds,
    Nonce,
    OrganisationId,
    ProposalId,
    ValidatorKey,
)
from trine.model.keys import PublicKey
from trine.model.limits import (
    ACCOUNT_KEYS_MAX,
    AUTHORITIES_MAX,
    NONCE_SLIDE_MAX,
    NONCE_WINDOW,
    ORGANISATIONS_MAX,
    U64_MAX,
)
from trine.model.modules.assets import balance_of
from trine.model.modules.authorities import registry_of
from trine.model.parameters import PARAMETER_NUMBERS, PARAMETERS
from trine.model.records import AccountKey, Asset, Log, Proposal
from trine.model.state_keys import (
    account_key_key,
    asset_key,
    certificate_registry_key,
    log_key,
    proposal_key,
)
from trine.model.transaction import RawCall, UnsignedTransaction
from trine.model.validators import Validator
from trine.model.x509 import Authority, CertificateRegistry, MemberCertificate

T = TypeVar("T")

PEOPLE = (*people.MEMBERS, *people.STRANGERS)
BAD_KEYS = (b"", bytes(31), bytes([2]) + bytes(31), b"\xff" * 31 + b"\x7e", bytes(33))
GOOD_NAMES = ("default", "archive", "court", "0", "a-b", "city", "school", "a" * 32)
BAD_NAMES = ("", "-a", "A", "é", "a b", "a\n")
GOOD_SYMBOLS = ("EUR", "TOK", "A1", "USD", "ABCDEFGHIJKL")
BAD_SYMBOLS = ("", "1A", "eur", "€", "A\n")
GOOD_TITLES = ("Euro", "Жетон", "x" * 32, "é" * 16, "名" * 10, "a\u2028b", " ")
BAD_TITLES = ("", "a\tb", "\x85", "\x7f")
GOOD_REFERENCES = (None, None, b"r" * 16, b"s" * 64, b"t" * 20)
BAD_REFERENCES = (b"q" * 15, b"q" * 65, b"")
MASKS = (0, 0b000010, 0b100000, 0b111110, 2**32 - 1)
GAPS_MS = (1, 400, 1_000, 1_000, 5_000, 100_000)
"""Milliseconds from a block to the next."""

PARAMETERS_OF_GENESIS = {
    "quota_window_ms": (1_000, 5_000),
    "account_quota": (1, 6, 20, 2**32 - 1),
    "organisation_quota": (1, 12, 60),
    "approval_percent": (0, 33, 34, 66, 67, 99),
    "proposal_lifetime_ms_max": (1_000, 60_000),
    "block_transactions_max": (1, 4, 100),
    "block_bytes_max": (65_536,),
}
"""Values worth starting with, beside the defaults."""


def genesis(random: Random) -> bytes:
    """Make a genesis document with one to three organisations, now and then with tight limits."""
    organisations = people.ORGANISATIONS[: random.randint(1, 3)]
    parameters = {
        name: random.choice(values)
        for name, values in PARAMETERS_OF_GENESIS.items()
        if random.random() < 0.2
    }
    return people.genesis(organisations, parameters)


def age(random: Random, chain: Chain) -> None:
    """Change the state of a new chain to one near its limits, which takes long to reach by blocks.

    Balances stay within the supply, and every live key has its record.
    """
    state = chain.state
    for who in random.sample(sorted(state.accounts), 3):
        account = state.accounts[who]
        count = random.choice((1, 3, ACCOUNT_KEYS_MAX - 1, ACCOUNT_KEYS_MAX))
        live = random.getrandbits(count) | 1
        for index in range(1, count):
            if live >> index & 1:
                key = AccountKey(people.public_key(random.choice(PEOPLE)), random.choice(MASKS))
                state.write(account_key_key(who, KeyIndex(index)), key)
        base = random.choice((0, 2**32, U64_MAX - 200, U64_MAX - 3))
        nonces = min(NONCE_WINDOW, U64_MAX - base)
        state.accounts[who] = replace(
            account,
            frozen=random.random() < 0.3,
            key_count=count,
            live_keys=live,
            nonce_base=Nonce(base),
            nonce_used=random.getrandbits(nonces) & ~1,
            quota=random.choice((0, 2, 2**32 - 1)),
            quota_window=chain.document.time_ms // state.parameters["quota_window_ms"] % 2**32,
            quota_used=random.choice((0, 1, 2**32 - 4)),
            balance=Amount(random.choice((account.balance, 2**62))),
        )
    total = sum(account.balance for account in state.accounts.values())
    asset = state.require(asset_key(PRIMARY_ASSET), Asset)
    state.write(asset_key(PRIMARY_ASSET), replace(asset, supply=Amount(total)))
    if random.random() < 0.6:
        count = random.choice((2, AUTHORITIES_MAX - 1, AUTHORITIES_MAX))
        expiries = (chain.document.time_ms + 2_000, 2**60)
        authorities = tuple(
            Authority(Digest(bytes([number]) * 32), Milliseconds(random.choice(expiries)))
            for number in range(count)
        )
        registry = CertificateRegistry(random.choice((0, 2**40)), authorities)
        state.write(certificate_registry_key(OrganisationId(0)), registry)
    if random.random() < 0.2:
        organisations = ORGANISATIONS_MAX - random.randint(0, 1)
        state.counters = replace(state.counters, organisations=organisations)
        state.parameters = state.parameters.replaced(PARAMETER_NUMBERS["approval_percent"], 0)


class Generator:
    """Makes blocks on top of a chain, most of whose transactions are valid and succeed."""

    def __init__(self, random: Random, chain: Chain) -> None:
        """Start on a chain; `random` decides everything."""
        self.random = random
        self.chain = chain
        self.time_ms = chain.document.time_ms
        self.nonces: dict[Address, int] = {}

    def block(self) -> tuple[Milliseconds, list[bytes]]:
        """Make a block on top of the chain's state: time and transactions."""
        self.time_ms = Milliseconds(self.time_ms + self.random.choice(GAPS_MS))
        self.nonces = {}
        made: list[bytes] = []
        room = 12 if self._one_in(8) else self.chain.state.parameters["block_transactions_max"]
        for _ in range(self.random.randint(0, min(12, room))):
            made.append(self._transaction(made))
        return self.time_ms, made

    def _transaction(self, made: list[bytes]) -> bytes:
        raw, sender = self._calls()
        account = self.chain.state.accounts[sender]
        nonce = self.nonces.get(sender, account.nonce_base)
        nonce += self.random.choice((0, 0, 0, 0, 0, 0, 1, 7, NONCE_WINDOW + 3))
        while account.nonce_used >> nonce - account.nonce_base & 1:
            nonce += 1
        self.nonces[sender] = nonce + 1
        live = [index for index in range(account.key_count) if account.live_keys >> index & 1]
        body = UnsignedTransaction(
            chain_id=self.chain.chain_id,
            sender=sender,
            key_index=KeyIndex(self.random.choice(live)),
            nonce=Nonce(min(nonce, U64_MAX)),
            valid_until_ms=Milliseconds(self.time_ms + self.random.choice((0, 1, 60_000))),
            calls=raw,
        )
        fault = self.random.randint(0, 400)
        body = self._spoiled(fault, body)
        key = people.secret_key("nobody") if fault == 10 else self._secret(body)
        if fault == 11 and made:
            return self.random.choice(made)
        signed = people.sign(body, key, by_passkey=self.random.random() < 0.5)
        return self._damaged(fault, signed)

    def _calls(self) -> tuple[tuple[RawCall, ...], Address]:
        """Make the calls of a transaction, and choose a sender that has the right to make them."""
        call, role = self._call()
        accounts = self.chain.state.accounts
        able = [who for who, account in accounts.items() if self._is_able(account, call, role)]
        sender = self.random.choice(sorted(able if able and not self._one_in(6) else accounts))
        made = [call] + [self._call()[0] for _ in range(self.random.choice((0, 0, 0, 0, 1, 3)))]
        if isinstance(call, calls.AssetTransfer | calls.AssetBurn) and self._one_in(4):
            made[0] = replace(call, amount=balance_of(sender, call.asset, self.chain.state))
        return tuple(self._raw(one) for one in made), sender

    def _is_able(self, account: Account, call: calls.Call, role: Roles) -> bool:
        owner = account.organisation
        match call:
            case calls.EvidenceAppend(log=log):
                record = self.chain.state.read(log_key(log), Log)
                owner = record.organisation if record else owner
            case calls.AssetIssue(asset=asset):
                found = self.chain.state.read(asset_key(asset), Asset)
                owner = found.organisation if found else owner
            case (
                calls.RolesSet(address=who)
                | calls.QuotaSet(address=who)
                | calls.CertificateSet(address=who)
            ):
                member = self.chain.state.accounts.get(who)
                owner = member.organisation if member else owner
            case calls.AccountEnrol(certificate=certificate):
                registry = registry_of(account.organisation, self.chain.state)
                if registry.authority(certificate.authority) is None:
                    return False
            case calls.AuthorityRemove(fingerprint=fingerprint):
                registry = registry_of(account.organisation, self.chain.state)
                if registry.authority(fingerprint) is None:
                    return False
            case calls.AccountFreeze(address=who) | calls.AccountUnfreeze(address=who):
                member = self.chain.state.accounts.get(who)
                owner = member.organisation if member else owner
        return role in account.roles and owner == account.organisation and not account.frozen

    def _call(self) -> tuple[calls.Call, Roles]:
        """Make a call, and say which role it asks for."""
        make, role = self.random.choice(
            (
                (self._account_call, Roles.ADMINISTRATOR),
                (self._certificate_call, Roles.ADMINISTRATOR),
                (self._key_call, Roles.NONE),
                (self._proposal_call, Roles.ADMINISTRATOR),
                (self._proposal_call, Roles.ADMINISTRATOR),
                (self._log_create, Roles.ADMINISTRATOR),
                (self._evidence, Roles.NOTARY),
                (self._issuer_call, Roles.ISSUER),
                (self._holder_call, Roles.NONE),
                (self._holder_call, Roles.NONE),
            )
        )
        return make(), role

    def _account_call(self) -> calls.Call:
        roles = Roles(self.random.randint(0, int(Roles.ALL)))
        quota = self.random.choice((0, 1, 3, 20, 2**32 - 1))
        return self._pick(
            lambda: calls.AccountCreate(self._key(), roles),
            lambda: calls.AccountFreeze(self._address()),
            lambda: calls.AccountUnfreeze(self._frozen()),
            lambda: calls.RolesSet(self._address(), roles),
            lambda: calls.QuotaSet(self._address(), quota),
        )

    def _certificate_call(self) -> calls.Call:
        roles = Roles(self.random.randint(0, int(Roles.ALL)))
        authority = self._certificate()
        return self._pick(
            lambda: calls.AccountEnrol(self._key(), roles, self._certificate()),
            lambda: calls.AccountEnrol(self._key(), roles, self._certificate()),
            lambda: calls.CertificateSet(self._address(), self._certificate()),
            lambda: calls.CertificateSet(self._address(), self._certificate()),
            lambda: calls.AuthorityRegister(authority.authority, authority.expires_ms),
            lambda: calls.AuthorityRegister(authority.fingerprint, authority.expires_ms),
            lambda: calls.AuthorityRemove(authority.authority),
        )

    def _certificate(self) -> MemberCertificate:
        """Make a certificate whose authority is registered mostly."""
        lifetimes = (1, 1_000, 60_000, 2**40, 2**40, 2**40, -1, 0)
        known = [
            one.fingerprint
            for number in range(self.chain.state.counters.organisations)
            for one in registry_of(OrganisationId(number), self.chain.state).authorities
        ]
        authority = Digest(bytes([self.random.randrange(20)]) * 32)
        if known and not self._one_in(4):
            authority = self.random.choice(known)
        return MemberCertificate(
            Digest(self.random.randbytes(32)),
            authority,
            Milliseconds(self.time_ms + self.random.choice(lifetimes)),
        )

    def _key_call(self) -> calls.Call:
        index = KeyIndex(self.random.choice((0, 1, 1, 2, 2, 3, 7, 8, 255)))
        return self._pick(
            lambda: calls.KeyAdd(self._key(), self.random.choice(MASKS)),
            lambda: calls.KeyAdd(self._key(), 2**32 - 1),
            lambda: calls.KeyRevoke(index),
            lambda: calls.KeyRotate(index, self._key()),
        )

    def _proposal_call(self) -> calls.Call:
        known = self.chain.state.counters.proposals
        number = ProposalId(self.random.randint(max(0, known - 3), known))
        proposal = self.chain.state.read(proposal_key(number), Proposal)
        action = self._action()
        if proposal is not None and not self._one_in(8):
            action = proposal.action
        lifetimes = (1, 1_000, 1_000, 1_000, 60_000, 2**40, -1, 0)
        expires_ms = Milliseconds(self.time_ms + self.random.choice(lifetimes))
        if known == 0 and not self._one_in(9):
            return calls.ProposalSubmit(self._action(), expires_ms)
        return self._pick(
            lambda: calls.ProposalSubmit(self._action(), expires_ms),
            lambda: calls.ProposalApprove(number, action),
            lambda: calls.ProposalApprove(number, action),
            lambda: calls.ProposalReject(number),
        )

    def _action(self) -> calls.Action:
        number = self.random.randint(0, len(PARAMETERS))
        rule = PARAMETERS[min(number, len(PARAMETERS) - 1)]
        values = (rule.default, rule.default, rule.least, rule.most, rule.most + 1, rule.least + 20)
        return self._pick(
            lambda: calls.Freeze(self._address()),
            lambda: calls.Unfreeze(self._frozen()),
            lambda: calls.SetParameter(number, self.random.choice(values)),
            lambda: calls.CreateOrganisation(self._mostly(GOOD_NAMES, BAD_NAMES), self._key()),
            lambda: calls.AdmitValidator(self._validator()),
            lambda: calls.RemoveValidator(self._validator().key),
            lambda: calls.ReplaceValidator(self._validator().key, self._validator()),
            lambda: calls.RemoveOrganisation(OrganisationId(self.random.randint(0, 4))),
        )

    def _validator(self) -> Validator:
        """Pick one of the registry, or make one of a few, sometimes with a fault."""
        names = ("validator", "validator", "next", "other", "third")
        organisation = OrganisationId(self.random.randint(0, 3))
        validator = people.validator(self.random.choice(names), organisation)
        faults = (
            {"key": ValidatorKey(validator.key[:-1] + b"\1")},
            {"key": ValidatorKey(bytes([9]) + validator.key[1:])},
            {"name": self.random.choice(BAD_NAMES)},
            {"address": self.random.choice(("", "host", "host:0", "a b:1", "[::1]", "h:65536"))},
        )
        if self._one_in(8):
            return replace(validator, **self.random.choice(faults))
        return replace(validator, address=self._pick(lambda: "[::1]:80", lambda: "host:65535"))

    def _log_create(self) -> calls.Call:
        return calls.LogCreate(self._mostly(GOOD_NAMES, BAD_NAMES))

    def _evidence(self) -> calls.Call:
        entries = [Digest(self.random.randbytes(32)) for _ in range(self.random.randint(0, 9))]
        log = LogId(self.random.randint(0, self.chain.state.counters.logs))
        reference = self.random.randbytes(self.random.choice((0, 5, 64)))
        return calls.EvidenceAppend(log, "text/plain", reference, tuple(entries))

    def _issuer_call(self) -> calls.Call:
        symbol = self._mostly(GOOD_SYMBOLS, BAD_SYMBOLS)
        title = self._mostly(GOOD_TITLES, BAD_TITLES)
        decimals = self._mostly((0, 2, 18), (19, 255))
        amount = self.random.choice((0, 5, 700, 700, U64_MAX - 7_000, U64_MAX))
        return self._pick(
            lambda: calls.AssetDefine(symbol, title, decimals),
            lambda: calls.AssetIssue(self._asset(), self._address(), Amount(amount)),
            lambda: calls.AssetIssue(self._asset(), self._address(), Amount(amount)),
        )

    def _holder_call(self) -> calls.Call:
        amount = Amount(self.random.choice((0, 1, 1, 10, 300, 900, U64_MAX - 8_000)))
        reference = self._mostly(GOOD_REFERENCES, (*BAD_REFERENCES, self.random.randbytes(30)))
        transfer = calls.AssetTransfer(self._asset(), self._address(), amount, reference)
        return self._pick(lambda: transfer, lambda: transfer, self._burn)

    def _burn(self) -> calls.Call:
        return calls.AssetBurn(self._asset(), Amount(self.random.choice((0, 1, 5, 300))))

    def _raw(self, call: calls.Call) -> RawCall:
        """Encode a call, now and then as bytes or numbers that mean nothing."""
        raw = call.to_raw()
        match self.random.randint(0, 80):
            case 0:
                return replace(raw, module=self.random.randint(0, 255))
            case 1:
                return replace(raw, method=self.random.randint(0, 255))
            case 2:
                return replace(raw, arguments=self.random.randbytes(self.random.randint(0, 80)))
            case 3:
                return replace(raw, arguments=raw.arguments[:-1])
            case 4:
                return replace(raw, arguments=raw.arguments + b"\x00")
            case 5:
                return replace(raw, arguments=self._flipped(raw.arguments))
        return raw

    def _spoiled(self, fault: int, body: UnsignedTransaction) -> UnsignedTransaction:
        """Break one of the rules by which a transaction is valid, for some numbers of faults."""
        match fault:
            case 0:
                return replace(body, chain_id=ChainId(bytes(32)))
            case 1:
                return replace(body, sender=self._address())
            case 2 | 3:
                return replace(body, key_index=KeyIndex(self.random.choice((1, 2, 3, 8, 255))))
            case 4 | 5:
                edge = NONCE_WINDOW + NONCE_SLIDE_MAX
                changes = (-1, -130, edge - 2, edge - 1, edge, edge + 1, U64_MAX)
                nonce = body.nonce + self.random.choice(changes)
                return replace(body, nonce=Nonce(min(max(0, nonce), U64_MAX)))
            case 6:
                return replace(body, valid_until_ms=Milliseconds(self.time_ms - 1))
        return body

    def _damaged(self, fault: int, data: bytes) -> bytes:
        """Damage the bytes of a transaction, for some numbers of faults."""
        match fault:
            case 12:
                return data[: self.random.randrange(len(data))]
            case 13:
                return data + b"\x00"
            case 14 | 15 | 16:
                return self._flipped(data)
            case 17:
                return self._flipped(data[:1]) + data[1:]
            case 18:
                # The signature is one byte short, and its length says so.
                return data[:-66] + (63).to_bytes(2, "big") + data[-63:]
        return data

    def _secret(self, body: UnsignedTransaction) -> SecretKey:
        """Find the secret of the key that must sign; any other where nobody knows it."""
        state, nobody = self.chain.state, people.secret_key("nobody")
        account = state.accounts.get(body.sender)
        if account is None:
            return nobody
        if body.key_index == 0 and not account.algorithm.is_recorded:
            return people.secret_keys().get(account.first_key.data, nobody)
        record = state.read(account_key_key(body.sender, body.key_index), AccountKey)
        return nobody if record is None else people.secret_keys().get(record.key.data, nobody)

    def _key(self) -> PublicKey:
        if self._one_in(12):
            return PublicKey(ALGORITHM, self.random.choice(BAD_KEYS))
        return people.public_key(self.random.choice(PEOPLE))

    def _address(self) -> Address:
        if self._one_in(20):
            return people.address("nobody")
        return self.random.choice(sorted(self.chain.state.accounts))

    def _frozen(self) -> Address:
        """Choose a frozen account where there is one, mostly."""
        accounts = self.chain.state.accounts
        frozen = [address for address, account in accounts.items() if account.frozen]
        return self._address() if not frozen or self._one_in(4) else self.random.choice(frozen)

    def _asset(self) -> AssetId:
        if self._one_in(15):
            return AssetId(self.random.choice((0, 999)))
        return AssetId(self.random.randint(1, self.chain.state.counters.assets + self._one_in(9)))

    def _flipped(self, data: bytes) -> bytes:
        if not data:
            return data
        place, bit = self.random.randrange(len(data)), self.random.randrange(8)
        return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]

    def _mostly(self, good: Sequence[T], bad: Sequence[T]) -> T:
        return self.random.choice(bad if self._one_in(10) else good)

    def _one_in(self, number: int) -> bool:
        return self.random.randrange(number) == 0

    def _pick(self, *makers: Callable[[], calls.Call]) -> calls.Call:
        return self.random.choice(makers)()
