"""Run every cell of the table of who may call what in the readable model."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.model import people
from trine.model import Chain
from trine.model.account import Account, Roles
from trine.model.calls import (
    AccountCreate,
    AccountEnrol,
    AccountFreeze,
    AccountUnfreeze,
    AdmitValidator,
    AssetBurn,
    AssetDefine,
    AssetIssue,
    AssetTransfer,
    AuthorityRegister,
    AuthorityRemove,
    Call,
    CertificateSet,
    CreateOrganisation,
    EvidenceAppend,
    Freeze,
    KeyAdd,
    KeyRevoke,
    KeyRotate,
    LogCreate,
    ProposalApprove,
    ProposalReject,
    ProposalSubmit,
    QuotaSet,
    RemoveOrganisation,
    RemoveValidator,
    ReplaceValidator,
    RolesSet,
    SetParameter,
    Unfreeze,
)
from trine.model.chain import InvalidBlock
from trine.model.identifiers import (
    Amount,
    AssetId,
    Digest,
    Height,
    KeyIndex,
    LogId,
    Milliseconds,
    OrganisationId,
    ProposalId,
)
from trine.model.records import AccountKey
from trine.model.state_keys import account_key_key, certificate_registry_key
from trine.model.verdicts import numbers
from trine.model.x509 import Authority, CertificateRegistry, MemberCertificate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "modules.md"

OWNER, OTHER, THIRD = OrganisationId(0), OrganisationId(1), OrganisationId(2)

COLUMNS = {
    "administrator": (OWNER, Roles.ADMINISTRATOR),
    "notary": (OWNER, Roles.NOTARY),
    "issuer": (OWNER, Roles.ISSUER),
    "member": (OWNER, Roles.NONE),
    "foreign": (OTHER, Roles.ALL),
    "stranger": None,
    "frozen": (OWNER, Roles.ALL),
}
"""Organisation and roles of who stands over each column; a stranger has no account."""

TARGET = people.address("target")
SLEEPER = people.address("sleeper")
EXPIRES_MS = Milliseconds(people.TIME_MS + 60_000)
PROPOSED = Freeze(TARGET)
NEW_KEY = people.public_key("new")

FAR_MS = Milliseconds(2**50)
CERTIFICATE = MemberCertificate(Digest(bytes(32)), Digest(b"an authority".ljust(32)), FAR_MS)

ROWS: dict[str, Call] = {
    "accounts.create": AccountCreate(NEW_KEY, Roles.NONE),
    "accounts.add_key": KeyAdd(NEW_KEY, 2**32 - 1),
    "accounts.revoke_key": KeyRevoke(KeyIndex(1)),
    "accounts.rotate_key": KeyRotate(KeyIndex(0), NEW_KEY),
    "accounts.freeze": AccountFreeze(TARGET),
    "accounts.unfreeze": AccountUnfreeze(SLEEPER),
    "accounts.enrol": AccountEnrol(NEW_KEY, Roles.NONE, CERTIFICATE),
    "accounts.set_certificate": CertificateSet(TARGET, CERTIFICATE),
    "organisations.set_roles": RolesSet(TARGET, Roles.NOTARY),
    "organisations.set_quota": QuotaSet(TARGET, 5),
    "organisations.register_authority": AuthorityRegister(
        Digest(b"new authority".ljust(32)), FAR_MS
    ),
    "organisations.remove_authority": AuthorityRemove(CERTIFICATE.authority),
    "proposals.submit, freeze": ProposalSubmit(Freeze(TARGET), EXPIRES_MS),
    "proposals.submit, unfreeze": ProposalSubmit(Unfreeze(SLEEPER), EXPIRES_MS),
    "proposals.submit, set parameter": ProposalSubmit(SetParameter(3, 60), EXPIRES_MS),
    "proposals.submit, create organisation": ProposalSubmit(
        CreateOrganisation("school", NEW_KEY), EXPIRES_MS
    ),
    "proposals.submit, admit validator": ProposalSubmit(
        AdmitValidator(people.validator("new", OWNER)), EXPIRES_MS
    ),
    "proposals.submit, remove validator": ProposalSubmit(
        RemoveValidator(people.validator("validator", OWNER).key), EXPIRES_MS
    ),
    "proposals.submit, replace validator": ProposalSubmit(
        ReplaceValidator(people.validator("validator", OWNER).key, people.validator("new", OWNER)),
        EXPIRES_MS,
    ),
    "proposals.submit, remove organisation": ProposalSubmit(
        RemoveOrganisation(OrganisationId(1)), EXPIRES_MS
    ),
    "proposals.approve": ProposalApprove(ProposalId(0), PROPOSED),
    "proposals.reject": ProposalReject(ProposalId(0)),
    "evidence.create_log": LogCreate("archive"),
    "evidence.append": EvidenceAppend(LogId(0), "", b"", (Digest(bytes(32)),)),
    "assets.define": AssetDefine("EUR", "Euro", 2),
    "assets.issue": AssetIssue(AssetId(1), TARGET, Amount(5)),
    "assets.transfer": AssetTransfer(AssetId(1), TARGET, Amount(5), None),
    "assets.burn": AssetBurn(AssetId(1), Amount(5)),
}
"""A call for each row of the table, in which nothing else is wrong."""


def table() -> dict[tuple[str, str], str]:
    """Read the table of section 4: code by row and column."""
    section = PAGE.read_text().split("## 4. ")[1].split("## 5. ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    (head,) = re.findall(r"^\| Method \|.*$", section, re.MULTILINE)
    columns = [cell.strip() for cell in head.strip("|").split("|")][1:]
    cells = {}
    for row in rows:
        name, *codes = [cell.strip(" `") for cell in row.strip("|").split("|")]
        cells |= {(name, column): code for column, code in zip(columns, codes, strict=True)}
    return cells


CELLS = table()


def chain() -> Chain:
    """Make a chain with everybody of the table, an open proposal and a frozen member."""
    made = Chain.from_genesis(people.genesis())
    everybody = {name: place for name, place in COLUMNS.items() if place is not None}
    everybody |= {"target": (OWNER, Roles.NONE), "sleeper": (OWNER, Roles.NONE)}
    everybody["proposer"] = (THIRD, Roles.ADMINISTRATOR)
    for name, (organisation, roles) in everybody.items():
        account = Account.new(organisation, roles, people.public_key(name))
        account = replace(account, balance=Amount(9), key_count=2, live_keys=3)
        made.state.accounts[people.address(name)] = account
        second = AccountKey(people.public_key("second"), 2**32 - 1)
        made.state.write(account_key_key(people.address(name), KeyIndex(1)), second)
    for organisation in (OWNER, OTHER):
        registry = CertificateRegistry(0, (Authority(CERTIFICATE.authority, FAR_MS),))
        made.state.write(certificate_registry_key(organisation), registry)
    submit = ProposalSubmit(PROPOSED, EXPIRES_MS)
    proposal = people.transaction("proposer", made.chain_id, [submit], nonce=0)
    applied = made.apply(Height(1), Milliseconds(people.TIME_MS + 1), [proposal])
    assert applied.outcomes[0].code == 0
    for name in ("frozen", "sleeper"):
        who = people.address(name)
        made.state.accounts[who] = replace(made.state.accounts[who], frozen=True)
    return made


def test_the_table_is_whole() -> None:
    # Goal: no row or column is left out. Method: compare with the calls and people below.
    assert {row for row, _ in CELLS} == set(ROWS)
    assert {column for _, column in CELLS} == set(COLUMNS)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("column", COLUMNS)
def test_cell(row: str, column: str) -> None:
    # Goal: the table says what happens. Method: let each person make each call.
    made = chain()
    transaction = people.transaction(column, made.chain_id, [ROWS[row]], nonce=0)
    try:
        applied = made.apply(Height(2), Milliseconds(people.TIME_MS + 2), [transaction])
    except InvalidBlock as refused:
        code = refused.code
    else:
        code = numbers()[applied.outcomes[0].code]
    assert code == CELLS[row, column]
