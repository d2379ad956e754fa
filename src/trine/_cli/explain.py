"""Say what an error code means and what to do about it."""

import os
import tomllib
from importlib.resources import files

import click

from trine._cli.settings import Settings, common
from trine.errors import TrineError, UnknownCode


def language() -> str:
    """Choose the language as other programs do: LC_ALL, LC_MESSAGES, LANG."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def explanations(name: str) -> dict[str, dict[str, str]]:
    """Read cause and remedy of every code in a language, `en` or `zh`."""
    text = files("trine._cli").joinpath("explanations").joinpath(f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


@click.command()
@click.argument("code", required=False)
@common
def explain(settings: Settings, code: str | None) -> None:
    """Say what an error CODE means and what to do; without a code, list all.

    The language follows LANG: English, or Chinese for zh.

    \b
    Examples:
      trine explain no_right
      LANG=zh_CN.UTF-8 trine explain file_altered
    """
    known = explanations(language())
    if code is None:
        lines = [f"{name:<26}  {entry['cause']}" for name, entry in known.items()]
        settings.emit({"codes": known}, lines)
        return
    entry = known.get(code)
    if entry is None:
        raise UnknownCode(f"no error has the code {code[:80]!r}; `trine explain` lists them all")
    exit_code = int(TrineError.by_code[code].exit_code)
    document = {"code": code, **entry, "exit_code": exit_code}
    settings.emit(document, [code, f"  {entry['cause']}", f"  {entry['remedy']}"])
