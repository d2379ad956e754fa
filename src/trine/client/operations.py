"""Say which requests each read of the client makes, once for `Client` and `AsyncClient`."""

from collections.abc import Callable, Generator
from typing import Any, Final, TypeVar

from trine._core import proofs as core
from trine.client.records import (
    Account,
    Asset,
    Authority,
    Block,
    BlockSummary,
    CertifiedMember,
    FinalTransaction,
    Log,
    Misbehaviour,
    Organisation,
    Proposal,
    Status,
    read_record,
)
from trine.client.transport import Answer, Operation, Request, checked
from trine.errors import BadAnswer
from trine.types import (
    Address,
    Amount,
    AssetId,
    Digest,
    Height,
    LogId,
    ProposalId,
    TransactionId,
)
from trine.types.limits import PAGE_MAX

R = TypeVar("R")

FIRST_NUMBER: Final = {"assets": 1}
"""Number of the first item of a list, where it is not 0."""


def ask(request: Request) -> Generator[Request, Answer, Answer]:
    """Send a request and insist on success.

    Raises:
        TrineError: The exception of the problem document.
    """
    answer = yield request
    return checked(answer)


def one(path: str, read: Callable[[Any], R], **query: str | int) -> Operation[R]:
    """Fetch one record."""
    answer = yield from ask(Request(path, query))
    return read_record(read, answer.json())


def many(path: str, name: str, read: Callable[[Any], R], **query: str | int) -> Operation[list[R]]:
    """Fetch a list of records, which the answer holds under `name`."""
    answer = yield from ask(Request(path, query))
    document = answer.json()
    if not isinstance(document, dict) or not isinstance(document.get(name), list):
        raise BadAnswer(f"{answer.url}{path} answered no list {name!r}", instance=answer.url)
    return [read_record(read, item) for item in document[name]]


def raw(path: str, **query: str | int) -> Operation[bytes]:
    """Fetch bytes, such as a proof."""
    answer = yield from ask(Request(path, query))
    return answer.content


def document(path: str, **query: str | int) -> Operation[dict[str, Any]]:
    """Fetch a JSON object as it is."""
    return one(path, dict, **query)


def status() -> Operation[Status]:
    """Fetch what the node says about itself and its chain."""
    return one("/v1/status", Status.read)


def account(address: Address) -> Operation[Account]:
    """Fetch an account."""
    return one(f"/v1/accounts/{address}", Account.read)


def balance(address: Address, asset: AssetId) -> Operation[Amount]:
    """Fetch a balance; zero where the account holds none."""
    found = yield from document(f"/v1/accounts/{address}/balances/{asset}")
    return read_record(lambda answer: Amount(int(answer["balance"])), found)


def transaction(id_: TransactionId, wait_ms: int) -> Operation[FinalTransaction]:
    """Fetch a final transaction, waiting for it at most `wait_ms`."""
    query: dict[str, str | int] = {"wait_ms": wait_ms} if wait_ms else {}
    answer = yield Request(f"/v1/transactions/{id_}", query, wait_s=wait_ms / 1_000)
    return read_record(FinalTransaction.read, checked(answer).json())


def block(height: Height | None) -> Operation[Block]:
    """Fetch a block, the latest where no height is given."""
    return one(f"/v1/blocks/{'latest' if height is None else height}", Block.read)


def blocks(from_: Height | None, limit: int) -> Operation[list[BlockSummary]]:
    """Fetch a page of blocks: upward from `from_`, or the newest first."""
    query: dict[str, str | int] = {"limit": limit}
    if from_ is not None:
        query["from"] = from_
    return many("/v1/blocks", "blocks", BlockSummary.read, **query)


def organisations() -> Operation[list[Organisation]]:
    """Fetch every organisation."""
    return pages("/v1/organisations", "organisations", Organisation.read)


def authorities(organisation: str) -> Operation[list[Authority]]:
    """Fetch the authorities of an organisation, named by number or name."""
    path = f"/v1/organisations/{organisation}/authorities"
    return many(path, "authorities", Authority.read)


def certificates(organisation: str) -> Operation[list[CertifiedMember]]:
    """Fetch every certified member of an organisation, named by number or name."""
    path = f"/v1/organisations/{organisation}/certificates"
    return pages(path, "certificates", CertifiedMember.read)


def assets() -> Operation[list[Asset]]:
    """Fetch every asset."""
    return pages("/v1/assets", "assets", Asset.read)


def asset(id_: AssetId) -> Operation[Asset]:
    """Fetch an asset."""
    return one(f"/v1/assets/{id_}", Asset.read)


def logs() -> Operation[list[Log]]:
    """Fetch every evidence log."""
    return pages("/v1/logs", "logs", Log.read)


def log(name: str) -> Operation[Log]:
    """Fetch a log by its number, or as organisation/name."""
    return one(f"/v1/logs/{name}", Log.read)


def log_entries(id_: LogId, first: int, count: int) -> Operation[list[Digest]]:
    """Fetch entries of a log, fewer where it ends."""
    answer = yield from ask(Request(f"/v1/sync/logs/{id_}/{first}/{count}"))
    content = answer.content
    if len(content) % Digest.LENGTH or len(content) > count * Digest.LENGTH:
        message = f"{answer.url} answered {len(content)} bytes for {count} entries of log {id_}"
        raise BadAnswer(message, instance=answer.url)
    return Digest.all_in(content)


def entry_proofs(id_: LogId, first: int, count: int) -> Operation[list[bytes]]:
    """Fetch the proofs of entries of a log, fewer where it ends."""
    answer = yield from ask(Request(f"/v1/logs/{id_}/entries/{first}/proofs", {"count": count}))
    return core.split_sequence(answer.content)


def proposals() -> Operation[list[Proposal]]:
    """Fetch every proposal."""
    return pages("/v1/proposals", "proposals", Proposal.read)


def proposal(id_: ProposalId) -> Operation[Proposal]:
    """Fetch a proposal."""
    return one(f"/v1/proposals/{id_}", Proposal.read)


def misbehaviour() -> Operation[list[Misbehaviour]]:
    """Fetch all evidence of misbehaviour that the node keeps."""
    return pages("/v1/misbehaviour", "misbehaviour", Misbehaviour.read)


def misbehaviour_by_id(id_: Digest) -> Operation[Misbehaviour]:
    """Fetch a piece of evidence of misbehaviour."""
    return one(f"/v1/misbehaviour/{id_}", Misbehaviour.read)


def pages(path: str, name: str, read: Callable[[Any], R]) -> Operation[list[R]]:
    """Fetch a list page by page, in the order of the numbers."""
    found: list[R] = []
    while True:
        first = len(found) + FIRST_NUMBER.get(name, 0)
        page = yield from many(path, name, read, **{"from": first, "limit": PAGE_MAX})
        found += page
        if len(page) < PAGE_MAX:
            return found
