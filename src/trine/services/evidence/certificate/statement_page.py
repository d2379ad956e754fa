"""Lay the facts of a signed statement out on one page of A4."""

from dataclasses import dataclass
from typing import Final

from trine.client.verification import VerifiedProof
from trine.crypto.x509 import MemberPath
from trine.services.evidence.certificate import page as one_page
from trine.services.evidence.certificate.page import Measures, Page
from trine.services.evidence.certificate.statement_words import (
    COMMAND,
    COMMAND_KEY,
    COMMAND_ROOTS,
    StatementWords,
)
from trine.services.evidence.statement import Statement
from trine.types.calls import PublicKey

MEASURES: Final = Measures(
    body=9.2,
    leading=12.4,
    row=11.8,
    row_gap=2.4,
    groups=6,
    above=6.0,
    below=30.0,
    answer=25.0,
)
"""Tighter than the page of a file, which has fewer facts."""


@dataclass(frozen=True)
class Facts:
    """All that a page shows; a page shows nothing else.

    Attributes:
        statement: What the issuer signed.
        key: Key that signed it.
        path: Certificates by which the issuer is known; nothing where the key was given.
        function: Name of the function of `digest`.
        digest: Digest of what is stated.
        service: Who registered it.
        chain: What the chain proves.
        chain_id: Identifier of the chain.
        code: Text of the QR code.
    """

    statement: Statement
    key: PublicKey
    path: MemberPath | None
    function: str
    digest: bytes
    service: str
    chain: VerifiedProof
    chain_id: bytes
    code: str


def draw(facts: Facts, words: StatementWords) -> Page:
    """Draw the page of a statement's certificate."""
    page, common, chain, said = Page(MEASURES), words.common, facts.chain, facts.statement
    time = common.time_words(chain.time_ms)
    short = one_page.short
    lead = words.lead.format(
        issuer=short(said.issuer), subject=short(said.subject), chain=short(chain.chain), time=time
    )
    y = one_page.begin(page, words.title, lead, facts.code, common.scan)
    y = _statement(page, one_page.section(page, y, words.statement), facts, words)
    y = one_page.section(page, y, common.record)
    y = one_page.field(page, y, common.time, [time])
    y = one_page.field(page, y, common.chain, page.value(chain.chain, 1))
    y = one_page.digits(page, y, "", facts.chain_id)
    place = common.place_value.format(
        log=chain.fact["log"], index=chain.fact["index"], height=chain.height
    )
    y = one_page.field(page, y, common.place, page.value(place, 2))
    y = one_page.digits(page, y, common.entry, chain.fact["entry"])
    service = words.registered_value.format(service=facts.service)
    y = one_page.field(page, y, words.registered, page.value(service, 1))
    signers = one_page.signers(page, chain.signers, common, 2)
    y = one_page.field(page, y, common.certified, signers)
    is_rooted = facts.path is not None
    commands = [COMMAND, COMMAND_ROOTS if is_rooted else COMMAND_KEY]
    steps = words.steps_rooted if is_rooted else words.steps
    y = one_page.how(page, one_page.section(page, y, common.how), steps, commands, common.answer)
    y = one_page.section(page, y, common.limits)
    one_page.end(page, y, words.limit_lines, words.footer)
    return page


def _statement(page: Page, y: float, facts: Facts, words: StatementWords) -> float:
    """Draw who said what about what, and when."""
    said, field = facts.statement, one_page.field
    y = field(page, y, words.issuer, page.value(said.issuer, 2))
    if facts.path is not None:
        known = words.known_by_value.format(
            subject=facts.path.member.subject, root=facts.path.authority.subject
        )
        y = field(page, y, words.known_by, page.value(known, 2))
    algorithm = one_page.ALGORITHMS[facts.key.algorithm]
    y = one_page.digits(page, y, words.key.format(algorithm=algorithm), facts.key.key)
    y = field(page, y, words.subject, page.value(said.subject, 2))
    kind = said.content_type
    if isinstance(kind, int):
        kind = words.content_format.format(number=kind)
    y = field(page, y, words.content_type, page.value(kind, 1))
    issued = words.not_stated
    if said.issued_at_s is not None:
        time = words.common.time_words(said.issued_at_s * 1_000)
        issued = words.issued_value.format(time=time)
    y = field(page, y, words.issued, page.value(issued, 1))
    content = words.content.format(function=facts.function)
    return one_page.digits(page, y, content, facts.digest)
