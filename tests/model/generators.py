"""Generate blocks that fit a chain's state closely enough to reach every rule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.model.people import MEMBERS, STRANGERS, address, public_key, secret_key, secret_keys, sign
from trine.model import calls
from trine.model.account import Roles
from trine.model.chain import Chain
from trine.model.identifiers import Digest, KeyIndex, Milliseconds, Nonce
from trine.model.keys import Algorithm, PublicKey
from trine.model.limits import NONCE_SLIDE_MAX, NONCE_WINDOW, U64_MAX
from trine.model.parameters import PARAMETERS
from trine.model.records import AccountKey, Proposal
from trine.model.state import State
from trine.model.state_keys import account_key_key, proposal_key
from trine.model.transaction import RawCall, Transaction, UnsignedTransaction

NAMES = (*MEMBERS, *STRANGERS)
Draw = Callable[[st.SearchStrategy[Any]], Any]

addresses = st.sampled_from([address(name) for name in NAMES] + [address("nobody")])
good_keys = st.sampled_from([public_key(name) for name in NAMES])
bad_keys = st.sampled_from(
    [b"", bytes(31), bytes([2]) + bytes(31), b"\xff" * 32, bytes(33), bytes([1]) + bytes(31)]
).map(lambda data: PublicKey(Algorithm.ED25519, data))
keys = st.one_of(good_keys, good_keys, good_keys, bad_keys)
roles = st.integers(0, 7).map(Roles)
names = st.sampled_from(["default", "archive", "court", "0", "a-b", "", "-a", "A", "é", "a" * 32])
symbols = st.sampled_from(["EUR", "TOK", "A1", "", "1A", "eur", "ABCDEFGHIJKL", "€"])
titles = st.sampled_from(["Euro", "Жетон", "", "a\tb", "\x85", "x" * 32, "é" * 16, "名" * 10])
small = st.integers(0, 5)
amounts = st.one_of(
    st.integers(0, 600), st.sampled_from([0, 1, 1_000, U64_MAX - 7_000, U64_MAX - 500, U64_MAX])
)
references = st.one_of(
    st.none(), st.sampled_from([b"r" * 16, b"s" * 64]), st.binary(min_size=16, max_size=64)
)
masks = st.one_of(st.integers(0, 2**32 - 1), st.sampled_from([0, 0b101010, 0b111110]))
entries = st.lists(st.binary(min_size=32, max_size=32).map(Digest), min_size=1, max_size=9)


@st.composite
def parameter_actions(draw: Draw) -> calls.Action:
    """Set a parameter, mostly to a value that is allowed and that blocks soon feel."""
    number = draw(st.integers(0, len(PARAMETERS)))
    rule = PARAMETERS[min(number, len(PARAMETERS) - 1)]
    near = [rule.least, rule.least + 3, rule.most, rule.default, rule.least - 1, rule.most + 1]
    value = draw(st.sampled_from([value for value in near if value >= 0]))
    return calls.SetParameter(number, value)


actions = st.one_of(
    st.builds(calls.Freeze, addresses),
    st.builds(calls.Unfreeze, addresses),
    parameter_actions(),
    st.builds(calls.CreateOrganisation, names, keys),
)


@st.composite
def proposal_calls(draw: Draw, state: State, time_ms: int) -> calls.Call:
    """Submit, or vote on one of the proposals that are there."""
    number = draw(st.integers(0, max(state.counters.proposals, 1)))
    proposal = state.read(proposal_key(number), Proposal)
    action = draw(actions)
    if proposal is not None and draw(st.integers(0, 5)) > 0:
        action = proposal.action
    lifetime = draw(st.sampled_from([1, 1_000, 60_000, 60_000, 60_000, 2**40, -1, 0]))
    expires_ms = Milliseconds(max(0, time_ms + lifetime))
    submit = calls.ProposalSubmit(action, expires_ms)
    approve = calls.ProposalApprove(number, action)
    return draw(st.sampled_from([submit, approve, approve, calls.ProposalReject(number)]))


def other_calls(state: State) -> st.SearchStrategy[calls.Call]:
    """Make any call of the other modules; numbers are those that exist, and the next."""
    assets = st.integers(0, state.counters.assets + 1)
    logs = st.integers(0, state.counters.logs)
    texts = st.sampled_from(["", "text/plain", "application/pdf"])
    return st.one_of(
        st.builds(calls.AccountCreate, keys, roles),
        st.builds(calls.KeyAdd, keys, masks),
        st.builds(calls.KeyRevoke, st.integers(0, 9).map(KeyIndex)),
        st.builds(calls.KeyRotate, st.integers(0, 9).map(KeyIndex), keys),
        st.builds(calls.AccountFreeze, addresses),
        st.builds(calls.AccountUnfreeze, addresses),
        st.builds(calls.RolesSet, addresses, roles),
        st.builds(calls.QuotaSet, addresses, st.sampled_from([0, 1, 3, 20, 2**32 - 1])),
        st.builds(calls.LogCreate, names),
        st.builds(calls.EvidenceAppend, logs, texts, st.binary(max_size=64), entries.map(tuple)),
        st.builds(calls.AssetDefine, symbols, titles, st.integers(0, 20)),
        st.builds(calls.AssetIssue, assets, addresses, amounts),
        st.builds(calls.AssetTransfer, assets, addresses, amounts, references),
        st.builds(calls.AssetTransfer, assets, addresses, st.integers(1, 50), references),
        st.builds(calls.AssetBurn, assets, amounts),
    )


@st.composite
def raw_calls(draw: Draw, state: State, time_ms: int) -> RawCall:
    """Make a call, now and then with bytes or numbers that mean nothing."""
    call = draw(st.one_of(other_calls(state), proposal_calls(state, time_ms))).to_raw()
    match draw(st.integers(0, 30)):
        case 0:
            return replace(call, module=draw(st.integers(0, 255)))
        case 1:
            return replace(call, method=draw(st.integers(0, 255)))
        case 2:
            return replace(call, arguments=draw(st.binary(max_size=80)))
        case 3:
            return replace(call, arguments=call.arguments[: draw(st.integers(0, 40))])
        case 4:
            return replace(call, arguments=call.arguments + b"\x00")
    return call


@dataclass
class Signer:
    """Makes the transactions of one block."""

    chain: Chain
    """Chain before the block."""
    time_ms: Milliseconds
    """Block time."""
    nonces: dict[bytes, int]
    """Next nonce that each sender has not used in this block."""

    def transaction(self, draw: Draw, made: Sequence[bytes]) -> bytes:
        """Make a transaction that is mostly valid."""
        body = self._body(draw)
        fault = draw(st.integers(0, 60))
        body = _spoiled(fault, body, draw)
        secret = self._secret(body)
        if fault == 10:
            secret = secret_key("nobody")
        data = sign(body, secret)
        if fault == 11 and made:
            return draw(st.sampled_from(list(made)))
        return _damaged(fault, data, draw)

    def _body(self, draw: Draw) -> UnsignedTransaction:
        state = self.chain.state
        sender = draw(st.sampled_from(sorted(state.accounts)))
        account = state.accounts[sender]
        live = [index for index in range(account.key_count) if account.has_key(KeyIndex(index))]
        next_nonce = self.nonces.get(sender, account.nonce_base)
        nonce = next_nonce + draw(st.sampled_from([0, 0, 0, 0, 0, 1, 2, 5, NONCE_WINDOW + 3]))
        self.nonces[sender] = nonce + 1
        return UnsignedTransaction(
            chain_id=self.chain.chain_id,
            sender=sender,
            key_index=draw(st.sampled_from(live)),
            nonce=Nonce(nonce),
            valid_until_ms=Milliseconds(self.time_ms + draw(st.sampled_from([0, 1, 60_000]))),
            calls=tuple(
                draw(st.lists(raw_calls(state, self.time_ms), min_size=1, max_size=3))
            ),
        )

    def _secret(self, body: UnsignedTransaction) -> Any:
        """Find the secret that a key of the state belongs to; any other where nobody knows it."""
        account = self.chain.state.accounts.get(body.sender)
        nobody = secret_key("nobody")
        if account is None:
            return nobody
        if body.key_index == 0:
            return secret_keys().get(account.first_key.data, nobody)
        name = account_key_key(body.sender, body.key_index)
        record = self.chain.state.read(name, AccountKey)
        return nobody if record is None else secret_keys().get(record.key.data, nobody)


def _spoiled(fault: int, body: UnsignedTransaction, draw: Draw) -> UnsignedTransaction:
    """Break one of the rules by which a transaction is valid, for some numbers of faults."""
    match fault:
        case 0:
            return replace(body, chain_id=type(body.chain_id)(bytes(32)))
        case 1:
            return replace(body, sender=draw(addresses))
        case 2:
            return replace(body, key_index=KeyIndex(draw(st.integers(0, 255))))
        case 3:
            low = [0, body.nonce - 1, body.nonce - 130]
            far = [NONCE_WINDOW + NONCE_SLIDE_MAX + delta for delta in (-2, -1, 0, 1)]
            near = [body.nonce + delta for delta in far]
            nonce = draw(st.sampled_from([*low, *near, U64_MAX - 1, U64_MAX]))
            return replace(body, nonce=Nonce(min(max(0, nonce), U64_MAX)))
        case 4:
            return replace(body, valid_until_ms=Milliseconds(draw(st.integers(0, U64_MAX))))
    return body


def _damaged(fault: int, data: bytes, draw: Draw) -> bytes:
    """Damage the bytes of a transaction, for some numbers of faults."""
    match fault:
        case 12:
            return data[: draw(st.integers(0, len(data) - 1))]
        case 13:
            return data + draw(st.binary(min_size=1, max_size=3))
        case 14:
            place = draw(st.integers(0, len(data) - 1))
            return data[:place] + bytes([data[place] ^ 1 << draw(small)]) + data[place + 1 :]
    return data


def signatures_of(data: bytes) -> Transaction:
    """Read a transaction back."""
    return Transaction.from_bytes(data)


def block(draw: Draw, chain: Chain, time_ms: Milliseconds) -> list[bytes]:
    """Make the transactions of one block on top of a chain."""
    signer, made = Signer(chain, time_ms, {}), list[bytes]()
    for _ in range(draw(st.integers(0, 7))):
        made.append(signer.transaction(draw, made))
    return made


def parameters() -> st.SearchStrategy[dict[str, int]]:
    """Choose parameters of genesis: often tight ones."""
    return st.fixed_dictionaries(
        {},
        optional={
            "quota_window_ms": st.sampled_from([1_000, 5_000]),
            "account_quota": st.sampled_from([1, 4, 12, 2**32 - 1]),
            "organisation_quota": st.sampled_from([1, 8, 30]),
            "approval_percent": st.sampled_from([0, 33, 34, 66, 67, 99]),
            "proposal_lifetime_ms_max": st.sampled_from([1_000, 60_000]),
            "block_transactions_max": st.sampled_from([1, 3, 100]),
            "block_bytes_max": st.just(65_536),
        },
    )
