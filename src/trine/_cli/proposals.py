"""Decide together with other organisations: submit, approve and reject proposals."""

import time
from collections.abc import Callable
from typing import Any

import click

from trine._cli.accounts import landed, resolve_key, submit
from trine._cli.settings import ADDRESS, Settings, columns, common, facts, moment, signing
from trine._core import registry
from trine.client.records import Proposal
from trine.crypto import SigningKey
from trine.errors import BadAnswer
from trine.types import (
    Address,
    ProposalApprove,
    ProposalId,
    ProposalReject,
    ProposalSubmit,
    TimeMs,
)
from trine.types.calls import (
    Action,
    AdmitValidator,
    CreateOrganisation,
    Freeze,
    PublicKey,
    RemoveOrganisation,
    RemoveValidator,
    ReplaceValidator,
    SetParameter,
    Unfreeze,
    Validator,
)

HOUR_MS = 3_600_000
PARAMETERS = tuple(name for name, *_ in registry.parameters())


def _read_key(document: dict[str, Any]) -> PublicKey:
    return PublicKey(document["algorithm"], bytes.fromhex(document["key"]))


def _read_validator(document: dict[str, Any]) -> Validator:
    return Validator(
        _read_key(document), document["organisation"], document["name"], document["address"]
    )


def read_action(document: dict[str, Any]) -> Action:
    """Read the action of a proposal from the node's answer.

    Raises:
        BadAnswer: It is of a kind that this release does not know.
    """
    match document:
        case {"kind": "freeze", "address": address}:
            return Freeze(Address.parse(address))
        case {"kind": "unfreeze", "address": address}:
            return Unfreeze(Address.parse(address))
        case {"kind": "set_parameter", "parameter": parameter, "value": value}:
            return SetParameter(parameter, value)
        case {"kind": "create_organisation", "name": name, "administrator": administrator}:
            return CreateOrganisation(name, _read_key(administrator))
        case {"kind": "admit_validator", "validator": validator}:
            return AdmitValidator(_read_validator(validator))
        case {"kind": "remove_validator"}:
            return RemoveValidator(_read_key(document))
        case {"kind": "replace_validator", "validator": validator}:
            return ReplaceValidator(_read_key(document), _read_validator(validator))
        case {"kind": "remove_organisation", "organisation": organisation}:
            return RemoveOrganisation(organisation)
        case _:
            raise BadAnswer(f"an unknown action {document!r:.200}")


def describe(action: Action) -> str:
    """Say in words what a proposal does."""
    match action:
        case Freeze(address):
            return f"freeze account {address}"
        case Unfreeze(address):
            return f"unfreeze account {address}"
        case SetParameter(parameter, value):
            known = PARAMETERS[parameter] if parameter < len(PARAMETERS) else str(parameter)
            return f"set {known} to {value}"
        case CreateOrganisation(name, administrator):
            return f"create organisation {name}, administrator key {administrator.key.hex()}"
        case AdmitValidator(validator):
            return f"admit validator {_describe_validator(validator)}"
        case RemoveValidator(key):
            return f"remove the validator with key {key.key.hex()}"
        case ReplaceValidator(key, validator):
            after = _describe_validator(validator)
            return f"replace the validator with key {key.key.hex()} by {after}"
        case RemoveOrganisation(organisation):
            return f"remove organisation {organisation} with its validators"


def _describe_validator(validator: Validator) -> str:
    of = f"{validator.name} of organisation {validator.organisation} at {validator.address}"
    return f"{of}, {validator.key.algorithm} key {validator.key.key.hex()}"


def _lines(found: Proposal) -> list[str]:
    lines = facts(proposal=found.id, action=describe(read_action(found.document["action"])))
    lines += facts(status=found.status, submitted_by=f"organisation {found.organisation}")
    lines += facts(open_until=moment(found.expires_ms))
    lines += facts(approvals=list(found.approvals), rejections=list(found.rejections))
    return lines


@click.group()
def proposal() -> None:
    """Decide together with other organisations.

    \b
    Examples:
      trine proposal submit freeze ADDRESS
      trine proposal list
      trine proposal approve 0 --key university
    """


@proposal.command("list")
@common
def list_(settings: Settings) -> None:
    """List the proposals of the chain.

    \b
    Example:
      trine proposal list
    """
    with settings.client() as client:
        found = client.proposals()
    rows = [
        (
            one.id,
            one.status,
            len(one.approvals),
            len(one.rejections),
            describe(read_action(one.document["action"])),
        )
        for one in found
    ]
    head = ("NUMBER", "STATUS", "FOR", "AGAINST", "ACTION")
    settings.emit({"proposals": [one.document for one in found]}, columns(head, rows))


@proposal.command()
@click.argument("number", type=click.IntRange(0))
@common
def show(settings: Settings, number: int) -> None:
    """Show the proposal with this NUMBER.

    \b
    Example:
      trine proposal show 0
    """
    with settings.client() as client:
        found = client.proposal(ProposalId(number))
    settings.emit(found.document, _lines(found))


@proposal.group("submit")
def submit_() -> None:
    """Submit a proposal; your organisation approves it with that.

    \b
    Examples:
      trine proposal submit freeze ADDRESS
      trine proposal submit set-parameter account_quota 5000
    """


hours_option = click.option(
    "--hours",
    type=click.IntRange(1),
    default=72,
    show_default=True,
    help="Hours until it expires.",
)


def _submit(settings: Settings, key: SigningKey, action: Action, hours: int) -> None:
    expires_ms = TimeMs(time.time_ns() // 1_000_000 + hours * HOUR_MS)
    found = submit(settings, key, ProposalSubmit(action=action, expires_ms=expires_ms))
    submitted = next(e for e in found.outcome.events if e.name == "proposals.submitted")
    number = submitted.fields()["proposal"]
    executed = any(event.name == "proposals.executed" for event in found.outcome.events)
    done = f"Submitted proposal {number}: {describe(action)}"
    landed(settings, found, done, proposal=number, executed=executed)


@submit_.command("freeze")
@click.argument("address", type=ADDRESS)
@hours_option
@common
@signing
def submit_freeze(settings: Settings, key: SigningKey, address: Address, hours: int) -> None:
    """Propose to freeze the account at ADDRESS, of any organisation.

    \b
    Example:
      trine proposal submit freeze ADDRESS
    """
    _submit(settings, key, Freeze(address), hours)


@submit_.command("unfreeze")
@click.argument("address", type=ADDRESS)
@hours_option
@common
@signing
def submit_unfreeze(settings: Settings, key: SigningKey, address: Address, hours: int) -> None:
    """Propose to unfreeze the account at ADDRESS, of any organisation.

    \b
    Example:
      trine proposal submit unfreeze ADDRESS
    """
    _submit(settings, key, Unfreeze(address), hours)


@submit_.command("set-parameter")
@click.argument("name", type=click.Choice(PARAMETERS))
@click.argument("value", type=click.IntRange(0, 2**64 - 1))
@hours_option
@common
@signing
def submit_parameter(
    settings: Settings, key: SigningKey, name: str, value: int, hours: int
) -> None:
    """Propose to set the parameter NAME to VALUE.

    \b
    Example:
      trine proposal submit set-parameter account_quota 5000
    """
    _submit(settings, key, SetParameter(PARAMETERS.index(name), value), hours)


@submit_.command("create-organisation")
@click.argument("name")
@click.argument("public_key", metavar="KEY")
@hours_option
@common
@signing
def submit_organisation(
    settings: Settings, key: SigningKey, name: str, public_key: str, hours: int
) -> None:
    """Propose an organisation NAME, whose first administrator has KEY.

    \b
    Example:
      trine proposal submit create-organisation harbour PUBLIC_KEY
    """
    administrator = resolve_key(settings, public_key)
    _submit(settings, key, CreateOrganisation(name, administrator), hours)


def validator_options(command: Callable[..., None]) -> Callable[..., None]:
    """Take what is said of a validator beside its key."""
    for option in (
        click.option("--address", required=True, help="Where peers reach it, as HOST:PORT."),
        click.option("--name", required=True, help="Name for people."),
        click.option(
            "--organisation",
            type=click.IntRange(0, 2**32 - 1),
            required=True,
            help="Number of the organisation that runs it (`trine organisation list`).",
        ),
    ):
        command = option(command)
    return command


@submit_.command("admit-validator")
@click.argument("public_key", metavar="KEY")
@validator_options
@hours_option
@common
@signing
def submit_admission(
    settings: Settings,
    key: SigningKey,
    public_key: str,
    organisation: int,
    name: str,
    address: str,
    hours: int,
) -> None:
    """Propose to admit the validator that votes with KEY.

    It decides from the epoch after the next on. Each validator has one vote; an organisation may
    run several.

    \b
    Example:
      trine proposal submit admit-validator KEY --organisation 2 --name harbour --address HOST:9000
    """
    validator = Validator(resolve_key(settings, public_key), organisation, name, address)
    _submit(settings, key, AdmitValidator(validator), hours)


@submit_.command("remove-organisation")
@click.argument("organisation", type=click.IntRange(0))
@hours_option
@common
@signing
def submit_organisation_removal(
    settings: Settings, key: SigningKey, organisation: int, hours: int
) -> None:
    """Propose to remove the organisation with the number ORGANISATION from the chain.

    Its accounts act no more, its votes do not count, and its validators decide until the epoch
    after the next. What it recorded stays, and can be proven.

    \b
    Example:
      trine proposal submit remove-organisation 2
    """
    _submit(settings, key, RemoveOrganisation(organisation), hours)


@submit_.command("remove-validator")
@click.argument("public_key", metavar="KEY")
@hours_option
@common
@signing
def submit_removal(settings: Settings, key: SigningKey, public_key: str, hours: int) -> None:
    """Propose to remove the validator that votes with KEY, from the epoch after the next on.

    \b
    Example:
      trine proposal submit remove-validator KEY
    """
    _submit(settings, key, RemoveValidator(resolve_key(settings, public_key)), hours)


@submit_.command("replace-validator")
@click.argument("public_key", metavar="KEY")
@click.argument("new_key", metavar="NEW_KEY")
@validator_options
@hours_option
@common
@signing
def submit_replacement(
    settings: Settings,
    key: SigningKey,
    public_key: str,
    new_key: str,
    organisation: int,
    name: str,
    address: str,
    hours: int,
) -> None:
    """Propose that the validator that votes with KEY votes with NEW_KEY.

    KEY and NEW_KEY may be the same where its name or address changes.

    \b
    Example:
      trine proposal submit replace-validator KEY NEW_KEY \\
          --organisation 2 --name harbour --address HOST:9000
    """
    validator = Validator(resolve_key(settings, new_key), organisation, name, address)
    action = ReplaceValidator(resolve_key(settings, public_key), validator)
    _submit(settings, key, action, hours)


@proposal.command()
@click.argument("number", type=click.IntRange(0))
@common
@signing
def approve(settings: Settings, key: SigningKey, number: int) -> None:
    """Approve the proposal NUMBER for your organisation, after showing what it does.

    \b
    Example:
      trine proposal approve 0 --key university
    """
    with settings.client(key) as client:
        action = read_action(client.proposal(ProposalId(number)).document["action"])
        settings.note(f"approving proposal {number}: {describe(action)}")
        found = client.submit(ProposalApprove(proposal=ProposalId(number), action=action))
    executed = any(event.name == "proposals.executed" for event in found.outcome.events)
    done = f"Approved proposal {number}" + (": it is executed" if executed else "")
    landed(settings, found, done, proposal=number, executed=executed)


@proposal.command()
@click.argument("number", type=click.IntRange(0))
@common
@signing
def reject(settings: Settings, key: SigningKey, number: int) -> None:
    """Reject the proposal NUMBER for your organisation.

    \b
    Example:
      trine proposal reject 0 --key university
    """
    found = submit(settings, key, ProposalReject(proposal=ProposalId(number)))
    closed = any(event.name == "proposals.rejected" for event in found.outcome.events)
    landed(settings, found, f"Rejected proposal {number}", proposal=number, closed=closed)
