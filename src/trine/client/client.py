"""Talk to nodes: read the chain, submit transactions, follow its blocks.

>>> import trine
>>> with trine.Client(["http://127.0.0.1:8645", "http://127.0.0.1:8646"]) as client:
...     client.urls
('http://127.0.0.1:8645', 'http://127.0.0.1:8646')
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from trine.client import evidence, many_sync, operations, submission
from trine.client.async_client import AsyncClient
from trine.client.many import ManyResult, Progress, no_progress
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
from trine.client.sender import Sender
from trine.client.settings import ReadKey, new_reading, new_session, node_urls, tls
from trine.client.stream import EventReader
from trine.client.transport import (
    CONNECT_TIMEOUT_S,
    TIMEOUT_S,
    Answer,
    Attempts,
    Operation,
    Pause,
    Request,
    checked,
    is_busy,
    problem,
)
from trine.client.verification import PathLike, Receipt
from trine.crypto import SigningKey
from trine.errors import BadAnswer, TrineError
from trine.types import (
    Address,
    Amount,
    AssetId,
    Call,
    Digest,
    Height,
    LogId,
    OrganisationId,
    ProposalId,
    TransactionId,
)
from trine.types.limits import ANSWER_BYTES_MAX

T = TypeVar("T")

SUBMIT_TIMEOUT_S: Final = 60.0
"""Seconds in which a submitted transaction should be final."""


class Client:
    """Client of one chain, through one or more of its nodes.

    A request goes to the first node that answers. Safe to share between threads.
    """

    def __init__(
        self,
        urls: str | Sequence[str],
        *,
        key: SigningKey | None = None,
        address: Address | None = None,
        key_index: int = 0,
        read_key: ReadKey | None = None,
        ca_file: PathLike | None = None,
        client_certificate: PathLike | None = None,
        client_key: PathLike | None = None,
    ) -> None:
        """Use the nodes at `urls`. No request is made yet.

        Args:
            urls: URL of a node, or several for fail-over, the preferred one first.
            key: Key that signs; none for a client that only reads.
            address: Account that acts; by default the one whose first key `key` is.
            key_index: Index of `key` among the account's keys.
            read_key: Key that signs requests for records, where the chain is not read by anyone,
                or a function that opens it then; by default `key`.
            ca_file: PEM file of the certificates that vouch for https nodes, where these have
                certificates of their own; by default the public ones.
            client_certificate: PEM file of the certificate with which the client names itself, for
                nodes that ask for one.
            client_key: PEM file of its key, where that is another file.

        Raises:
            BadArgument: There is no URL, or one is no HTTP URL; or a key without a certificate.
            UnreadableFile: A PEM file cannot be read, or holds something else.
        """
        self.urls = node_urls(urls)
        self._session = new_session(key, address, key_index)
        self._reading = new_reading(self.urls, self._session, read_key)
        self._place = 0
        self._open_async = partial(
            AsyncClient,
            self.urls,
            key=key,
            address=address,
            key_index=key_index,
            read_key=read_key,
            ca_file=ca_file,
            client_certificate=client_certificate,
            client_key=client_key,
        )
        verify = tls(ca_file, client_certificate, client_key)
        timeout = httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        # The nodes are named by whoever runs the program: no proxy of the environment applies.
        self._http = httpx.Client(
            timeout=timeout, trust_env=False, verify=verify, auth=self._reading
        )

    @property
    def url(self) -> str:
        """URL of the node that answered last, or is asked first."""
        return self.urls[self._place]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, operation: Operation[T]) -> T:
        """Drive an operation to its result."""
        try:
            step = next(operation)
            while True:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = next(operation)
                    continue
                try:
                    answer = self._fetch(step)
                except TrineError as error:
                    step = operation.throw(error)
                else:
                    step = operation.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            operation.close()

    def _fetch(self, request: Request) -> Answer:
        """Get an answer from the first node that can give one."""
        attempts = Attempts(self.urls, self._place)
        while True:
            url = attempts.url
            try:
                answer = self._once(url, request)
            except httpx.TransportError as error:
                pause = attempts.unreachable(str(error) or type(error).__name__)
            else:
                if answer.status not in (429, 503) or not is_busy(refusal := problem(answer)):
                    self._place = attempts.place
                    return answer
                pause = attempts.busy(refusal)
            if pause:
                time.sleep(pause)

    def _once(self, url: str, request: Request) -> Answer:
        """Ask one node once, reading no more than an answer may have."""
        content = bytearray()
        with self._http.stream(
            request.method,
            url + request.path,
            params=request.query,
            content=request.body,
            headers={"content-type": request.content_type} if request.body is not None else None,
            timeout=httpx.Timeout(TIMEOUT_S + request.wait_s, connect=CONNECT_TIMEOUT_S),
        ) as response:
            for part in response.iter_bytes():
                content += part
                if len(content) > ANSWER_BYTES_MAX:
                    message = f"{url} answered more than {ANSWER_BYTES_MAX} bytes"
                    raise BadAnswer(message, instance=url)
        return Answer(response.status_code, bytes(content), url)

    def status(self) -> Status:
        """Fetch what the node says about itself and its chain."""
        return self._run(operations.status())

    def account(self, address: Address) -> Account:
        """Fetch an account in the latest final state.

        Raises:
            AccountNotFound: The address has no account.
        """
        return self._run(operations.account(address))

    def balance(self, address: Address, asset: AssetId) -> Amount:
        """Fetch a balance, in the asset's smallest unit.

        Raises:
            AccountNotFound: The address has no account.
            AssetNotFound: There is no such asset.
        """
        return self._run(operations.balance(address, asset))

    def transaction(self, id_: TransactionId, *, wait_ms: int = 0) -> FinalTransaction:
        """Fetch a final transaction, waiting for it at most `wait_ms` (up to 30,000).

        Raises:
            TransactionNotFound: It is not final.
        """
        return self._run(operations.transaction(id_, wait_ms))

    def block(self, height: Height | None = None) -> Block:
        """Fetch a block; the latest where no height is given.

        Raises:
            BlockNotFound: The chain is not that high.
        """
        return self._run(operations.block(height))

    def blocks(self, *, from_: Height | None = None, limit: int = 20) -> list[BlockSummary]:
        """Fetch a page of blocks: upward from `from_`, or the newest first."""
        return self._run(operations.blocks(from_, limit))

    def organisations(self) -> list[Organisation]:
        """Fetch every organisation."""
        return self._run(operations.organisations())

    def authorities(self, organisation: OrganisationId | str) -> list[Authority]:
        """Fetch the certification authorities of an organisation, by its number or name.

        Raises:
            OrganisationNotFound: There is no such organisation.
        """
        return self._run(operations.authorities(str(organisation)))

    def certificates(self, organisation: OrganisationId | str) -> list[CertifiedMember]:
        """Fetch the certified members of an organisation, in the order of enrolment.

        Raises:
            OrganisationNotFound: There is no such organisation.
        """
        return self._run(operations.certificates(str(organisation)))

    def assets(self) -> list[Asset]:
        """Fetch every asset."""
        return self._run(operations.assets())

    def asset(self, id_: AssetId) -> Asset:
        """Fetch an asset.

        Raises:
            AssetNotFound: There is no such asset.
        """
        return self._run(operations.asset(id_))

    def logs(self) -> list[Log]:
        """Fetch every evidence log."""
        return self._run(operations.logs())

    def log(self, name: str) -> Log:
        """Fetch a log by its number, or as `organisation/name`.

        Raises:
            LogNotFound: There is no such log.
        """
        return self._run(operations.log(name))

    def log_entries(self, log: LogId, *, first: int, count: int) -> list[Digest]:
        """Fetch entries of a log from index `first` on, at most `count` (up to 65,536).

        Fewer where the log ends. No proof comes with them.

        Raises:
            EntryNotFound: There is no such log, or it has no entry `first` yet.
        """
        return self._run(operations.log_entries(log, first, count))

    def entry_proofs(self, log: LogId, *, first: int, count: int) -> list[bytes]:
        """Fetch the proofs of entries from index `first` on, at most `count` (up to 1,000).

        Fewer where the log ends. All are proof files against one header.

        Raises:
            EntryNotFound: There is no such log, or it has no entry `first` under a certificate yet.
        """
        return self._run(operations.entry_proofs(log, first, count))

    def proposals(self) -> list[Proposal]:
        """Fetch every proposal."""
        return self._run(operations.proposals())

    def proposal(self, id_: ProposalId) -> Proposal:
        """Fetch a proposal.

        Raises:
            ProposalNotFound: There is no such proposal.
        """
        return self._run(operations.proposal(id_))

    def misbehaviour(self) -> list[Misbehaviour]:
        """Fetch all evidence of misbehaviour of validators that the node keeps, oldest first."""
        return self._run(operations.misbehaviour())

    def misbehaviour_by_id(self, id_: Digest) -> Misbehaviour:
        """Fetch a piece of evidence; `proof("/v1/misbehaviour/ID")` is the file that proves it.

        Raises:
            MisbehaviourNotFound: The node keeps no such evidence.
        """
        return self._run(operations.misbehaviour_by_id(id_))

    def trust(self) -> bytes:
        """Fetch the trust file as this node gives it. Compare it with another source."""
        return self._run(operations.raw("/v1/trust"))

    def document(self, path: str) -> dict[str, Any]:
        """Fetch any JSON answer of the interface, such as `/v1/parameters`."""
        return self._run(operations.document(path))

    def proof(self, path: str) -> bytes:
        """Fetch the proof of what stands at `path`, such as `/v1/blocks/5`."""
        return self._run(operations.raw(f"{path}/proof"))

    def submit(self, *calls: Call, timeout_s: float = SUBMIT_TIMEOUT_S) -> FinalTransaction:
        """Submit one transaction with these calls, all or nothing, and wait until it is final.

        Safe to repeat after `Timeout` only once its id was looked up.

        Raises:
            InvalidTransaction: The chain cannot take it; nothing happened.
            FailedOutcome: It is final and failed; nothing but its nonce and quota was used.
            Timeout: It was not final in time, and may still become so.
            CannotReachNode: No node answers.
        """
        (result,) = self._run(submission.submit(self._session, [calls], timeout_s))
        if isinstance(result, TrineError):
            raise result
        return result.check()

    def submit_many(
        self,
        drafts: Sequence[Call | Sequence[Call]],
        *,
        senders: Sequence[Sender] | None = None,
        timeout_s: float = SUBMIT_TIMEOUT_S,
        progress: Progress = no_progress,
    ) -> list[ManyResult]:
        """Submit one transaction for each draft and wait until all are final.

        As `AsyncClient.submit_many`, in a thread of its own.

        Args:
            drafts: The calls of each transaction, or its only call.
            senders: Who sends each draft; by default the client's own account sends all.
            timeout_s: Seconds for all of them together.
            progress: Called, in that thread, with how many have a result, and how many there are.

        Returns:
            For each draft its final transaction, whose outcome may be a failure, or the
            exception that says why it is in no block.

        Raises:
            BadArgument: The client has no key and no senders are given, or their number is wrong.
            CannotReachNode: No node answers.
        """
        if senders is None:
            senders = [self._session.sender] * len(drafts)
        return many_sync.submit_many(
            self._open_async,
            drafts,
            senders,
            timeout_s,
            progress,
        )

    def notarize(
        self,
        paths: Sequence[str | Path],
        *,
        log: str | None = None,
        timeout_s: float = evidence.TIMEOUT_S,
        progress: evidence.Progress = evidence.no_progress,
    ) -> list[Receipt]:
        """Record files in an evidence log; returns one receipt for each, in order.

        The chain never sees a file: it records salted hashes of them.

        Args:
            paths: Regular files.
            log: Number of the log or `organisation/name`; by default the log `default` of the
                sender's organisation.
            timeout_s: Seconds for everything together.
            progress: Called with a phase, how many files are done in it, and of how many.

        Raises:
            UnreadableFile, FileChanged: A file cannot be recorded; nothing was.
            NoRight: The account is no notary of the log's organisation.
        """
        files = [Path(path) for path in paths]
        return self._run(evidence.notarize(self._session, files, log, timeout_s, progress))

    def stream(self, *, from_: Height | None = None) -> Iterator[BlockSummary]:
        """Follow the final blocks, from height `from_` or from the next one on, for ever.

        After a lost connection it goes on where it was, on another node where need be; no block
        comes twice or is left out.

        Raises:
            CannotReachNode: No node answers any more.
        """
        attempts = Attempts(self.urls, self._place)
        next_height = from_
        while True:
            try:
                for event in self._events(attempts.url, next_height):
                    block = read_record(BlockSummary.read, event)
                    if next_height is not None and block.height < next_height:
                        continue
                    if next_height is not None and block.height > next_height:
                        break
                    next_height = Height(block.height + 1)
                    attempts = Attempts(self.urls, attempts.place)
                    yield block
                pause = attempts.unreachable("the stream ended or left a block out")
            except httpx.TransportError as error:
                pause = attempts.unreachable(str(error) or type(error).__name__)
            if pause:
                time.sleep(pause)

    def _events(self, url: str, from_: Height | None) -> Iterator[dict[str, Any]]:
        """Read the events of one connection."""
        reader = EventReader()
        query: dict[str, int] = {} if from_ is None else {"from": from_}
        with self._http.stream("GET", url + "/v1/stream", params=query) as response:
            if response.status_code >= 400:
                content = response.read()
                checked(Answer(response.status_code, content, url))
            for line in response.iter_lines():
                event = reader.feed(line)
                if event:
                    yield event
