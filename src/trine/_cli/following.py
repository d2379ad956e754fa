"""Follow a network without a part in it, and let a validator recover by following."""

import contextlib
import dataclasses
import re
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import click
import httpx

from trine._cli import processes
from trine._cli.founding import GENESIS_BYTES_MAX, agree, network, network_document, node_name
from trine._cli.network import command
from trine._cli.node_files import Reader, api_port, follower_configuration, reader_key
from trine._cli.serving import LOCAL, Serving, serving_options
from trine._cli.settings import Settings, common, facts
from trine.client.founding import read_genesis, trust_document
from trine.client.home import Home
from trine.client.records import ANYONE
from trine.client.settings import client_files, node_urls, tls
from trine.crypto import SecretKey
from trine.errors import BadArgument, BadGenesis, CannotReachNode, NoNetwork, UnsignedRead

RECOVERY_CONFIG: Final = "recover.toml"
"""Configuration with which a validator follows until it has the chain again."""
RECOVERY_PID: Final = "recover.pid"
"""Process that follows meanwhile."""
RECOVERED_BLOCKS: Final = 5
"""Blocks behind the others at which a node has recovered: it gets the rest as a validator."""
TELL_S: Final = 2.0
"""Seconds between two lines of progress."""
QUIET_S: Final = 10.0
"""Seconds without a new block after which progress says what the node warned of last."""
LOG_BYTES_MAX: Final = 64 * 1024
"""Bytes at the end of a log that are searched for it."""
WARNING: Final = re.compile(r"\b(WARN|ERROR)\b")
LIMIT_S: Final = 60.0
"""Seconds that an upstream may take to send a genesis."""


def _upstream_options(function: Callable[..., None]) -> Callable[..., None]:
    """Take which nodes to follow."""
    authority = click.option(
        "--authority",
        type=click.Path(path_type=Path, dir_okay=False),
        help="PEM file of an authority of their certificates.",
    )
    return click.argument("urls", nargs=-1, required=True, metavar="URL...")(authority(function))


@network.command()
@_upstream_options
@click.option(
    "--name", default="follower", show_default=True, callback=node_name, help="Name of your node."
)
@click.option("--fingerprint", "expected", help="The network's fingerprint, as a member told you.")
@click.option(
    "--late-start",
    is_flag=True,
    help="Begin with the newest state, which takes minutes on a long chain; older blocks are not "
    "on your node then.",
)
@serving_options
@common
def follow(
    settings: Settings,
    urls: Sequence[str],
    authority: Path | None,
    name: str,
    expected: str | None,
    late_start: bool,
    serving: Serving,
) -> None:
    """Run a node that follows the nodes at URL, and votes on nothing.

    It checks every certificate and every block, executes all of them, and answers what any node
    answers, from its own copy. Any node can be followed, another follower too; with several URLs,
    another one is asked where one fails or sends what does not hold. Later, `trine up` and
    `trine down` start and stop the node.

    \b
    Examples:
      trine network follow https://city.example:8443 --fingerprint "8c1f 02aa ..."
      trine network follow http://127.0.0.1:8645 http://127.0.0.1:8646 --home ~/copy
      trine network follow https://city.example:8443 --late-start
    """
    home = settings.home
    upstreams = node_urls(urls)
    if home.genesis.exists() or home.network.exists():
        message = f"{home.path} holds a network already: name another --home"
        raise BadArgument(message, instance=str(home.path))
    with processes.locked(home), httpx.Client(verify=tls(authority, *client_files())) as http:
        text = fetch_genesis(http, upstreams)
        genesis, chain_id = read_genesis(text)
        agree(settings, genesis, chain_id, expected)
        read_key = reading_key(settings, http, upstreams)
        node = make_follower(
            home,
            name,
            text,
            upstreams,
            authority,
            late_start=late_start,
            read_key=read_key,
            serving=serving,
        )
        pid = processes.start(home)[name]
        height = wait_level(settings, node, pid, newest_of(http, upstreams))
    document = {**network_document(genesis, chain_id), "height": height, "url": node.url}
    settings.emit(document, _followed(settings, node, height))


def make_follower(
    home: Home,
    name: str,
    text: bytes,
    upstreams: Sequence[str],
    authority: Path | None,
    *,
    late_start: bool = False,
    read_key: SecretKey | None = None,
    serving: Serving = LOCAL,
) -> processes.Node:
    """Make a network of one follower in a home that has none.

    Args:
        home: Where it lies.
        name: Name of the node.
        text: Genesis document, whose fingerprint the user knows.
        upstreams: URLs of the nodes to follow.
        authority: PEM file of an authority of their certificates.
        late_start: Whether to begin with their state instead of the first block.
        read_key: Key that signs what the node asks them.
        serving: How the node serves its own API.
    """
    genesis, chain_id = read_genesis(text)
    port = api_port(home, serving)
    node = processes.Node(name, port, None, home.nodes / name)
    node.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    chain = str(genesis["name"])
    where = "../../genesis.json"
    reader = reader_key(node, read_key, str(genesis["suite"])) if read_key else None
    write_follower(
        node,
        chain,
        where,
        upstreams,
        authority,
        late_start=late_start,
        reader=reader,
        serving=serving,
    )
    home.genesis.write_bytes(text)
    home.trust.write_bytes(trust_document(genesis, chain_id))
    processes.save(home, chain, [node], {})
    return node


def write_follower(
    node: processes.Node,
    chain: str,
    genesis: str,
    upstreams: Sequence[str],
    authority: Path | None,
    *,
    late_start: bool = False,
    reader: Reader | None = None,
    serving: Serving = LOCAL,
) -> None:
    """Write the configuration of a follower; it names itself as the environment says."""
    client = client_files()
    node.config.write_text(
        follower_configuration(
            node, chain, genesis, upstreams, authority, client, late_start, reader, serving
        )
    )


def reading_key(
    settings: Settings, http: httpx.Client, upstreams: Sequence[str]
) -> SecretKey | None:
    """Open the key with which the node is to read from upstreams, where they ask for one.

    The node needs it whenever it runs, so it is written into a file of the node, without a
    password: it is the user who names it, and an account that may nothing but read is best.

    Raises:
        UnsignedRead: The chain is not read by anyone, and no key is named.
        BadArgument: The key lives in a token.
    """
    said = [status for url in upstreams if (status := processes.probe(http, url))]
    if settings.read_key is None:
        if any(status.read_access != ANYONE for status in said):
            message = (
                f"{upstreams[0]} lets not everybody read this chain: make a key here (trine key "
                "new copy), let an administrator create its account (trine account create "
                "ALGORITHM:PUBLIC-KEY --roles reader), and name it: --read-key copy"
            )
            raise UnsignedRead(message, instance=upstreams[0])
        return None
    key = settings.open_key(settings.read_key, None)
    if not isinstance(key, SecretKey):
        message = f"the key {settings.read_key!r} lives in a token: a node reads with another"
        raise BadArgument(message)
    return key


@network.command()
@_upstream_options
@common
def recover(settings: Settings, urls: Sequence[str], authority: Path | None) -> None:
    """Fill the empty folder of your validator from the nodes at URL, then start it.

    For a validator that lost its disk and kept its key. It follows first, from a follower for
    instance, and takes its part again once it has the chain. It does not vote before an epoch
    begins that comes after its loss, because it may have voted in this one.

    \b
    Example:
      trine network recover http://copy.example:8645
    """
    home = settings.home
    upstreams = node_urls(urls)
    with processes.locked(home):
        node = _lost(home)
        with httpx.Client(verify=tls(authority, *client_files())) as http:
            newest = newest_of(http, upstreams)
            read_key = reading_key(settings, http, upstreams)
            fill(settings, node, upstreams, authority, newest, read_key=read_key)
            pid = processes.start(home)[node.name]
            height = wait_level(settings, node, pid, newest)
    lines = [f"The node has the chain up to height {height}, and takes its part again."]
    settings.emit({"node": node.name, "height": height}, lines)


def fill(
    settings: Settings,
    node: processes.Node,
    upstreams: Sequence[str],
    authority: Path | None,
    newest: Callable[[], int | None],
    look: Callable[[int], None] = lambda _: None,
    behind: int = RECOVERED_BLOCKS,
    read_key: SecretKey | None = None,
) -> int:
    """Let a node that does not run follow until it has the chain; returns its height.

    Args:
        settings: For its home, and for progress.
        node: The node, whatever it is by its own configuration.
        upstreams: URLs of the nodes to follow.
        authority: PEM file of an authority of their certificates.
        newest: As in `wait_level`.
        look: As in `wait_level`.
        behind: As in `wait_level`.
        read_key: Key that signs what the node asks meanwhile.
    """
    chain = str(settings.home.read_network().get("chain"))
    follower = dataclasses.replace(node, p2p_port=None, config_name=RECOVERY_CONFIG)
    genesis = str(tomllib.loads(node.config.read_text())["genesis"])
    noted = node.folder / RECOVERY_PID
    _end_left(follower, noted)
    reader = reader_key(follower, read_key, settings.home.suite) if read_key else None
    with contextlib.ExitStack() as undone:
        if reader:
            # The key lies there without a password: not a moment longer than it must.
            undone.callback(reader.key.unlink)
        write_follower(follower, chain, genesis, upstreams, authority, reader=reader)
        pid = processes.spawn(follower)
        undone.callback(noted.unlink, missing_ok=True)
        undone.callback(processes.end, [follower], {follower.name: pid})
        noted.write_text(str(pid))
        height = wait_level(settings, follower, pid, newest, look, behind)
    follower.config.unlink()
    return height


def _end_left(follower: processes.Node, noted: Path) -> None:
    """End the follower of a command that was killed: it holds the port and the folder."""
    pid = noted.read_text() if noted.exists() else ""
    if pid.isdigit() and processes.is_process(int(pid), follower):
        processes.end([follower], {follower.name: int(pid)})


def _lost(home: Home) -> processes.Node:
    """Give the node of this home whose folder is empty.

    Raises:
        NoNetwork: There is no network here.
        BadArgument: The home has several nodes, or its node runs or has data.
    """
    if not home.has_network():
        raise NoNetwork(f"{home.path} holds no network")
    nodes, pids = processes.load(home)
    if len(nodes) != 1:
        raise BadArgument(f"{home.path} has {len(nodes)} nodes, expected the one of this host")
    [node] = nodes
    if pids:
        raise BadArgument(f"node {node.name} runs: stop it first (trine down)")
    data = node.folder / str(tomllib.loads(node.config.read_text())["data_dir"])
    if data.is_dir() and any(data.iterdir()):
        message = f"{data} is not empty: what is there is not lost; move it away to replace it"
        raise BadArgument(message, instance=str(data))
    return node


def fetch_genesis(http: httpx.Client, upstreams: Sequence[str]) -> bytes:
    """Get the genesis from the first node that answers; nothing is believed of it.

    Raises:
        CannotReachNode: None answers.
        BadGenesis: It is too long.
    """
    causes = []
    for url in upstreams:
        try:
            with http.stream("GET", url + "/v1/genesis", timeout=LIMIT_S) as answer:
                if answer.status_code != httpx.codes.OK:
                    causes.append(f"{url} answers with status {answer.status_code}")
                    continue
                text = b""
                for part in answer.iter_bytes():
                    text += part
                    if len(text) > GENESIS_BYTES_MAX:
                        raise BadGenesis(f"the genesis of {url} has over {GENESIS_BYTES_MAX} bytes")
                return text
        except httpx.TransportError as error:
            causes.append(f"{url}: {error}")
    raise CannotReachNode("; ".join(causes), instance=upstreams[0])


def newest_of(http: httpx.Client, upstreams: Sequence[str]) -> Callable[[], int | None]:
    """Ask upstreams how far they are, whenever it is called; none where none answers."""

    def newest() -> int | None:
        found = [status for url in upstreams if (status := processes.probe(http, url))]
        return max((status.height for status in found), default=None)

    return newest


def wait_level(
    settings: Settings,
    node: processes.Node,
    pid: int,
    newest: Callable[[], int | None],
    look: Callable[[int], None] = lambda _: None,
    behind: int = RECOVERED_BLOCKS,
) -> int:
    """Wait until a node is level with those that it follows, and tell how far it is.

    Args:
        settings: For progress.
        node: The node.
        pid: Its process.
        newest: Says how far the others are; none where that is not known now.
        look: Called with the node's height again and again; may raise what ends the waiting.
        behind: Blocks that it may be behind.

    Returns:
        Its height.

    Raises:
        NodeStopped: It ended; the end of its output says why.
    """
    told, reached, moved = 0.0, -1, time.monotonic()
    with processes.opened([node]) as own:
        while True:
            processes.check_process(node, pid)
            status, limit = processes.probe(own, node.url), newest()
            if status and status.height > reached:
                reached, moved = status.height, time.monotonic()
            if status and limit is not None and status.height + behind >= limit:
                return status.height
            if status:
                look(status.height)
            if time.monotonic() >= told + TELL_S:
                told = time.monotonic()
                height = status.height if status else 0
                settings.note(f"height {height} of {'unknown' if limit is None else limit}")
                if told >= moved + QUIET_S:
                    settings.note(f"no block for {told - moved:.0f} s: {_last_warning(node)}")
            time.sleep(processes.POLL_S)


def _last_warning(node: processes.Node) -> str:
    """Say what a node that does not get on warned of last."""
    log = node.folder / "node.log"
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_BYTES_MAX))
        lines = file.read().decode(errors="replace").splitlines()
        warnings = (line for line in reversed(lines) if WARNING.search(line))
        if found := next(warnings, None):
            return f"{found:.300}"
    return f"{log} has no warning"


def _followed(settings: Settings, node: processes.Node, height: int) -> Iterator[str]:
    yield f"Your node has the chain up to height {height}, and follows it."
    yield ""
    yield from facts(status_page=node.url + "/", log=str(node.folder / "node.log"))
    yield ""
    yield "  " + command(settings, "status")
    yield "  " + command(settings, "down")
