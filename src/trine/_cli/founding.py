"""Found a network with other organisations, each on its own host."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from trine._cli import processes
from trine._cli.members import (
    CARD_FILE,
    make_member,
    own_card,
    read_cards,
    read_source,
    write_network,
)
from trine._cli.network import command
from trine._cli.serving import Serving, serving_options
from trine._cli.settings import Settings, columns, common, facts
from trine._core import registry
from trine.client.card import Card, Terms, read_card
from trine.client.founding import (
    BLOCKS_PER_EPOCH,
    encode_genesis,
    fingerprint,
    found,
    is_fingerprint,
    read_genesis,
)
from trine.client.home import Home
from trine.crypto import SUITE_ALGORITHMS
from trine.errors import BadArgument, OtherFingerprint, UnreadableFile
from trine.model.limits import BLOCKS_PER_EPOCH_MAX, BLOCKS_PER_EPOCH_MIN
from trine.model.names import is_name

GENESIS_BYTES_MAX: Final = 64 * 1024 * 1024
PARAMETERS: Final = tuple(name for name, *_ in registry.parameters())
WAIT_S: Final = 60


@click.group()
def network() -> None:
    """Found a network with other organisations, each on its own host.

    Every organisation makes its keys where they stay, and sends the others a card with what is
    public. From all cards everybody makes the same network, and compares its fingerprint with the
    others before it starts.

    \b
    Examples:
      trine network create trade --organisation city --address 10.0.0.1:7000
      trine network join city.card --organisation harbour --address 10.0.0.2:7000
      trine network show *.card
      trine network start *.card
    """


def node_name(_: click.Context, option: click.Parameter, value: str) -> str:
    """Check the name of an organisation or of a node."""
    if not is_name(value):
        raise BadArgument(f"{option.name} is {value!r:.80}, expected a-z, 0-9 and -, at most 32")
    return value


def _member_options(function: Callable[..., None]) -> Callable[..., None]:
    """Take what a member says of itself."""
    for option in (
        click.option(
            "--out",
            type=click.Path(path_type=Path, dir_okay=False),
            help="File of the card (default: ORGANISATION.card).",
        ),
        click.option(
            "--listen",
            metavar="IP:PORT",
            help="Where the node listens for validators (default: ADDRESS, where that is an IP).",
        ),
        click.option(
            "--address",
            required=True,
            metavar="HOST:PORT",
            help="Where the other validators reach this host.",
        ),
        click.option(
            "--organisation", required=True, callback=node_name, help="Name of your organisation."
        ),
    ):
        function = option(function)
    return function


@network.command()
@click.argument("name", callback=node_name)
@click.option(
    "--suite",
    type=click.Choice(tuple(SUITE_ALGORITHMS)),
    default="intl",
    show_default=True,
    help="Algorithms: intl, or gm for SM2 and SM3.",
)
@click.option(
    "--blocks-per-epoch",
    type=click.IntRange(BLOCKS_PER_EPOCH_MIN, BLOCKS_PER_EPOCH_MAX),
    default=BLOCKS_PER_EPOCH,
    show_default=True,
    help="Blocks after which validators may change.",
)
@click.option(
    "--parameter",
    "parameters",
    type=(click.Choice(PARAMETERS), click.IntRange(0, 2**63 - 1)),
    multiple=True,
    metavar="NAME VALUE",
    help="Parameter of the chain from its first block on, such as approval_percent 66; several.",
)
@_member_options
@serving_options
@common
def create(
    settings: Settings,
    name: str,
    suite: str,
    blocks_per_epoch: int,
    parameters: tuple[tuple[str, int], ...],
    organisation: str,
    address: str,
    listen: str | None,
    out: Path | None,
    serving: Serving,
) -> None:
    """Plan the network NAME: make your keys here, and the first card.

    Send the card to the other organisations; each joins with it and sends its own to all. A
    proposal is done when more than approval_percent of them approve: 50, unless a --parameter says
    another number.

    \b
    Examples:
      trine network create trade --organisation city --address 10.0.0.1:7000
      trine network create trade --organisation city --address 10.0.0.1:7000 \\
          --parameter approval_percent 66
    """
    given = dict(parameters)
    if len(given) < len(parameters):
        raise BadArgument("a parameter is given twice: give each --parameter once")
    terms = Terms(
        name, suite, time.time_ns() // 1_000_000, blocks_per_epoch, tuple(sorted(given.items()))
    )
    with _new_home(settings.home):
        card = make_member(settings.home, terms, organisation, address, listen, serving)
        found([card])
        _tell_card(settings, card, out or Path(f"{organisation}.card"))


@network.command()
@click.argument("source", metavar="CARD")
@click.option(
    "--fingerprint",
    "expected",
    help="Of a network that runs: its fingerprint, as a member told you.",
)
@_member_options
@serving_options
@common
def join(
    settings: Settings,
    source: str,
    expected: str | None,
    organisation: str,
    address: str,
    listen: str | None,
    out: Path | None,
    serving: Serving,
) -> None:
    """Join the network of CARD: make your keys here, and your card.

    CARD is a file, or the line that begins with `trine-card:`. To join a network that runs already,
    give the genesis.json of a member; its organisations then admit you by proposals.

    \b
    Examples:
      trine network join city.card --organisation harbour --address 10.0.0.2:7000
      trine network join genesis.json --organisation bank --address 10.0.0.5:7000
    """
    content = read_source(source, GENESIS_BYTES_MAX)
    runs = _is_genesis(content)
    with _new_home(settings.home):
        if runs:
            genesis, chain_id = read_genesis(content)
            agree(settings, genesis, chain_id, expected)
            terms = Terms(
                genesis["name"], genesis["suite"], genesis["time_ms"], genesis["blocks_per_epoch"]
            )
            card = make_member(settings.home, terms, organisation, address, listen, serving)
            card.check()
            write_network(settings.home, organisation, genesis, content, chain_id)
        else:
            first = read_card(content)
            card = make_member(settings.home, first.terms, organisation, address, listen, serving)
            found([first, card])
        _tell_card(settings, card, out or Path(f"{organisation}.card"), runs=runs)


@network.command()
@click.argument("cards", nargs=-1, required=True, metavar="CARD...")
@common
def show(settings: Settings, cards: Sequence[str]) -> None:
    """Show who the members of these cards are, and the fingerprint of their network.

    \b
    Example:
      trine network show city.card harbour.card
    """
    members = read_cards(cards)
    genesis = found(members)
    _, chain_id = encode_genesis(genesis)
    settings.emit(network_document(genesis, chain_id), describe_network(genesis, chain_id))


@network.command()
@click.argument("cards", nargs=-1, metavar="[CARD...]")
@click.option("--fingerprint", "expected", help="What all members see, instead of being asked.")
@click.option(
    "--wait",
    "wait_s",
    type=click.IntRange(0, 3_600),
    default=WAIT_S,
    show_default=True,
    help="Seconds to wait for the first block.",
)
@common
def start(settings: Settings, cards: Sequence[str], expected: str | None, wait_s: int) -> None:
    """Start your node of the network that the members of these cards found.

    Your own card is one of them, given or not. Compare the fingerprint with every other member,
    over the telephone for instance: whoever sees another one has other cards. Later, `trine up`
    and `trine down` start and stop the node.

    \b
    Examples:
      trine network start city.card harbour.card university.card court.card
      trine network start *.card --fingerprint "8c1f 02aa ..."
    """
    home = settings.home
    with processes.locked(home):
        own = own_card(home)
        if cards:
            genesis = found(read_cards([str(home.path / CARD_FILE), *cards]))
            text, chain_id = encode_genesis(genesis)
            if not home.genesis.exists():
                agree(settings, genesis, chain_id, expected)
                write_network(home, own.organisation, genesis, text, chain_id)
            elif home.genesis.read_bytes() != text:
                message = "this home belongs to another network than that of these cards"
                raise BadArgument(f"{message}: take another --home", instance=str(home.genesis))
        elif not home.genesis.exists():
            raise BadArgument("the cards of the members are missing: trine network start CARD...")
        genesis, chain_id = read_genesis(home.genesis.read_bytes())
        processes.start(home)
        height = _wait(settings, wait_s)
    document = {**network_document(genesis, chain_id), "height": height}
    settings.emit(document, _started(settings, height))


def _new_home(home: Home) -> Any:
    """Lock a home that has no member yet.

    Raises:
        BadArgument: It has one, or a local network.
    """
    if home.genesis.exists() or (home.path / CARD_FILE).exists():
        message = f"{home.path} holds a network already: name another --home"
        raise BadArgument(message, instance=str(home.path))
    return processes.locked(home)


def _is_genesis(content: bytes) -> bool:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("format") == "trine-genesis-v1"


def agree(
    settings: Settings, genesis: dict[str, Any], chain_id: bytes, expected: str | None
) -> None:
    """Make sure that the member has compared the fingerprint.

    Raises:
        OtherFingerprint: It is another one.
        BadArgument: Nobody is there to ask.
    """
    if expected is not None:
        if not is_fingerprint(expected, chain_id):
            message = f"the fingerprint is {fingerprint(chain_id)}, not {expected!r:.60}"
            raise OtherFingerprint(message)
        return
    for line in describe_network(genesis, chain_id):
        settings.note(line)
    if not sys.stdin.isatty():
        message = "compare the fingerprint with the other members and give it"
        raise BadArgument(f'{message}: --fingerprint "{fingerprint(chain_id)}"')
    if not click.confirm("Does every other member see this fingerprint?", err=True):
        raise OtherFingerprint("the fingerprint was not confirmed: nothing was started")


def _tell_card(settings: Settings, card: Card, out: Path, *, runs: bool = False) -> None:
    """Write the card to the home and to a file, and say what to do with it."""
    text = json.dumps(card.document(), indent=2) + "\n"
    try:
        with out.open("x") as file:
            file.write(text)
    except FileExistsError:
        message = f"{out} exists already: name another file with --out"
        raise BadArgument(message, instance=str(out)) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnreadableFile(f"{out} cannot be written: {reason}", instance=str(out)) from None
    (settings.home.path / CARD_FILE).write_text(text)
    document = {"card": str(out), "code": card.code(), **card.document()}
    if runs:
        settings.emit(document, _admission(settings, card, out))
        return
    settings.emit(
        document,
        [
            f"{out}: the card of {card.organisation} for the network {card.terms.name}.",
            "",
            "Send it to the other members, as this file or as the line below. When you have the",
            "cards of all:",
            "",
            "  " + command(settings, f"network start {out} OTHER.card ..."),
            "",
            card.code(),
        ],
    )


def _admission(settings: Settings, card: Card, out: Path) -> Iterator[str]:
    """Say what the members do to admit a newcomer."""
    administrator_key = f"{card.administrator.algorithm}:{card.administrator.key.hex()}"
    validator = f"{SUITE_ALGORITHMS[card.terms.suite]}:{card.validator.hex()}"
    yield f"{out}: the card of {card.organisation} for the network {card.terms.name}, which runs."
    yield ""
    yield "One of its members proposes your organisation, and the others approve. N is its number:"
    yield ""
    yield (f"  trine proposal submit create-organisation {card.organisation} {administrator_key}")
    yield (
        f"  trine proposal submit admit-validator {validator} --organisation N "
        f"--name {card.organisation} --address {card.address}"
    )
    yield ""
    yield "Your node follows the chain once you start it and the epoch begins that names it:"
    yield ""
    yield "  " + command(settings, "network start")


def network_document(genesis: Mapping[str, Any], chain_id: bytes) -> dict[str, Any]:
    """Say what members agree on, for JSON."""
    return {
        "chain": genesis["name"],
        "suite": genesis["suite"],
        "chain_id": chain_id.hex(),
        "fingerprint": fingerprint(chain_id),
        "validators": genesis["validators"],
        "parameters": genesis.get("parameters", {}),
    }


def describe_network(genesis: Mapping[str, Any], chain_id: bytes) -> Iterator[str]:
    """Say what members agree on, for people."""
    organisations = genesis["organisations"]
    yield from columns(
        ("ORGANISATION", "VALIDATOR", "ADDRESS", "KEY"),
        [
            (organisations[one["organisation"]], one["name"], one["address"], one["key"][:16])
            for one in genesis["validators"]
        ],
    )
    yield ""
    yield from facts(chain=f"{genesis['name']}, suite {genesis['suite']}")
    yield from facts(**genesis.get("parameters", {}))
    yield from facts(fingerprint=fingerprint(chain_id))


def _wait(settings: Settings, wait_s: int) -> int | None:
    """Wait for a block that is final; none where it does not come in time.

    Raises:
        NodeStopped: The node ended; the end of its output says why.
    """
    [node], _ = processes.load(settings.home)
    deadline = time.monotonic() + wait_s
    told = ""
    with processes.opened([node]) as http:
        while True:
            status = processes.probe(http, node.url)
            if status and status.height > 0:
                return status.height
            processes.check_alive(settings.home, [node])
            line = "the node starts" if status is None else "the node waits for the others"
            if line != told:
                told = line
                settings.note(line)
            if time.monotonic() >= deadline:
                return None
            time.sleep(processes.POLL_S)


def _started(settings: Settings, height: int | None) -> Iterator[str]:
    [node], _ = processes.load(settings.home)
    if height is None:
        yield "Your node runs. Blocks become final once more than two thirds of the validators run."
    else:
        yield f"Your node runs, and the chain finalizes blocks: height {height}."
    yield ""
    yield from facts(status_page=node.url + "/", log=str(node.folder / "node.log"))
    yield ""
    yield "  " + command(settings, "status")
    yield "  " + command(settings, "down")
