"""Compute the roots with which a header commits to transactions, outcomes and evidence."""

from collections.abc import Sequence

from trine.model.codec import U32, U64
from trine.model.identifiers import Digest, LogId, TransactionId
from trine.model.merkle import Frontier, merkle_root
from trine.model.outcome import Outcome
from trine.model.records import Log
from trine.model.state import State
from trine.model.state_keys import log_key


def body_root(transactions: Sequence[bytes]) -> Digest:
    """Compute the root over the full bytes of each transaction, signature included, in order."""
    return merkle_root(transactions)


def outcome_root(outcomes: Sequence[tuple[TransactionId, Outcome]]) -> Digest:
    """Compute the root over identifier and encoded outcome of each transaction, in order."""
    return merkle_root([identifier + outcome.encode() for identifier, outcome in outcomes])


def evidence_root(state: State) -> Digest:
    """Compute the root over every evidence log: its number, size and head, from log 0 on."""
    logs = [state.require(log_key(LogId(log)), Log) for log in range(state.counters.logs)]
    return logs_root([log.frontier for log in logs])


def logs_root(logs: Sequence[Frontier]) -> Digest:
    """Compute the root over evidence logs, given by their trees from log 0 on."""
    return merkle_root(
        [
            U32.write(number) + U64.write(frontier.size) + frontier.head()
            for number, frontier in enumerate(logs)
        ]
    )
