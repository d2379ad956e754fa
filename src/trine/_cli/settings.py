"""Give every command the same options, and read and write for it."""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from trine.client.home import ADMIN_KEY, Home, default_home, read_password
from trine.crypto import SigningKey
from trine.errors import BadArgument, NoPassword
from trine.types import Address

if TYPE_CHECKING:
    from rich.table import Table

    from trine.client import Client

F = TypeVar("F", bound=Callable[..., Any])

LABEL_WIDTH: Final = 14


@dataclass
class Settings:
    """What the common options say.

    Attributes:
        home: Folder of a network or of keys.
        node: URL of a node; none takes the nodes of the home.
        as_json: Whether stdout gets one JSON document instead of text.
        read_key: Key of the home that signs requests for records; none was named.
    """

    home: Home
    node: str | None
    as_json: bool
    read_key: str | None = None
    _notes: list[str] = field(default_factory=list)

    def urls(self) -> list[str]:
        """List the nodes to talk to."""
        return [self.node] if self.node else self.home.urls()

    def client(
        self, key: SigningKey | None = None, address: Address | None = None, key_index: int = 0
    ) -> "Client":
        """Make a client of the chain."""
        # HTTP is loaded only by commands that need it: verifying starts faster without.
        from trine.client import Client  # noqa: PLC0415
        from trine.client.settings import client_files  # noqa: PLC0415

        certificate, certificate_key = client_files()
        return Client(
            self.urls(),
            key=key,
            address=address,
            key_index=key_index,
            read_key=self.open_read_key if key is None or self.read_key else None,
            ca_file=os.environ.get("TRINE_CA_FILE"),
            client_certificate=certificate,
            client_key=certificate_key,
        )

    def open_read_key(self) -> SigningKey | None:
        """Open the key that signs requests for records; none where the home has none.

        Raises:
            NoSuchKeyFile, NotAKeystore, BadPassword, NoPassword: As `open_key`.
        """
        if self.read_key is None and ADMIN_KEY not in self.home.keys.names():
            return None
        return self.open_key(self.read_key or ADMIN_KEY, None)

    def emit(self, document: dict[str, Any], lines: Iterable[str]) -> None:
        """Print the result: the document with `--json`, else the lines."""
        if self.as_json:
            click.echo(json.dumps(document, ensure_ascii=False, indent=2))
            return
        for line in lines:
            click.echo(line)

    def show(self, document: dict[str, Any], table: "Table") -> None:
        """Print the result: the document with `--json`, else the table."""
        if self.as_json:
            self.emit(document, ())
            return
        from rich.console import Console  # noqa: PLC0415 - heavy, and only for this

        Console().print(table)

    def note(self, line: str) -> None:
        """Tell progress on stderr."""
        click.echo(line, err=True)

    def open_key(self, name: str, password_file: Path | None) -> SigningKey:
        """Decrypt a key, asking for its password where no file holds it, or open its token.

        Raises:
            NoSuchKeyFile, NotAKeystore, BadPassword: The key cannot be opened.
            NoPassword: Nobody is there to type the password.
        """
        if self.home.keys.read(name).token is not None:
            return self.home.keys.open_token(name)
        password = read_password(password_file) if password_file else None
        if password is None:
            password = self.home.stored_password(name)
        if password is None:
            password = ask_password(f"Password of key {name}", confirm=False)
        return self.home.keys.open(name, password)


def ask_password(prompt: str, *, confirm: bool) -> bytes:
    """Ask for a password at the terminal.

    Raises:
        NoPassword: There is no terminal.
    """
    if not sys.stdin.isatty():
        raise NoPassword(f"{prompt}: there is no terminal to type it at")
    text = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return str(text).encode()


def common(function: F) -> F:
    """Add --home, --node, --read-key and --json, and pass them on as `settings`."""

    @click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the network and its keys (default: $TRINE_HOME, else ~/.trine).",
    )
    @click.option(
        "--node",
        metavar="URL",
        help="Node to talk to, instead of those of the home; $TRINE_CA_FILE vouches for https, "
        "$TRINE_CLIENT_CERTIFICATE and $TRINE_CLIENT_KEY name you to nodes that ask.",
    )
    @click.option(
        "--read-key",
        metavar="NAME",
        help="Key of the home that signs what you ask, where a chain is not read by anyone "
        "(default: the key that signs anyway, else admin).",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
    @functools.wraps(function)
    def wrapped(
        *args: Any,
        home: Path | None,
        node: str | None,
        read_key: str | None,
        as_json: bool,
        **rest: Any,
    ) -> Any:
        place = Home((home or default_home()).expanduser().absolute())
        return function(*args, settings=Settings(place, node, as_json, read_key), **rest)

    return wrapped  # type: ignore[return-value]  # the options are added, the rest is the same


def signing(function: F) -> F:
    """Add --key and --password-file, and pass the opened key on as `key`."""

    @click.option(
        "--key", "key_name", default=ADMIN_KEY, show_default=True, help="Key of the home to sign."
    )
    @click.option(
        "--password-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File whose first line is the password (default: $TRINE_PASSWORD_FILE).",
    )
    @functools.wraps(function)
    def wrapped(
        *args: Any, settings: Settings, key_name: str, password_file: Path | None, **rest: Any
    ) -> Any:
        key = settings.open_key(key_name, password_file)
        return function(*args, settings=settings, key=key, **rest)

    return wrapped  # type: ignore[return-value]  # the options are added, the rest is the same


class ParsedType(click.ParamType[Any]):
    """A parameter read by a function that raises `BadArgument`."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        """Read with `parse`; `name` stands in the help."""
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a value of the command line."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except BadArgument as error:
            self.fail(str(error), param, ctx)


ADDRESS: Final = ParsedType("address", Address.parse)


def facts(**values: object) -> list[str]:
    """Write labels and values in two columns; what is none is left out."""
    labels = {name.replace("_", " "): value for name, value in values.items() if value is not None}
    width = max([LABEL_WIDTH, *(len(label) for label in labels)])
    return [f"{label:<{width}}  {value}" for label, value in labels.items()]


def columns(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Write a table in aligned columns."""
    table = [list(head)] + [["-" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(head))]
    return [
        "  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in table
    ]


def moment(time_ms: int) -> str:
    """Write a time as people read it, in UTC."""
    try:
        return datetime.fromtimestamp(time_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{time_ms} ms"


def bar(settings: Settings, label: str) -> AbstractContextManager[Any]:
    """Make a progress bar on stderr; call the yielded function with done and total."""
    if settings.as_json and not sys.stderr.isatty():
        return nullcontext(lambda _phase, _done, _total: None)
    from trine._cli.progress import Bars  # noqa: PLC0415 - heavy, and only for long work

    return Bars(label)
