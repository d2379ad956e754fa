"""Write the keys of an evidence service for programs of others."""

from pathlib import Path
from typing import Any, Final

import click
import httpx

from trine._cli.settings import Settings, common, facts
from trine._cli.statements import evidence_module, get
from trine.client.settings import tls
from trine.client.verification import read_file, write_whole
from trine.crypto import public_key_to_pem
from trine.errors import BadArgument
from trine.types.calls import PublicKey

TIMEOUT_S: Final = 30.0
KEYS_PATH: Final = "/.well-known/scitt-keys"
PRIVATE: Final = "sm2"
"""Algorithm whose receipts only Trine reads: COSE has no number for it."""
ALGORITHMS: Final = ("ed25519", "p256", PRIVATE)
OUT: Final = click.Path(path_type=Path, dir_okay=False)


@click.command("key")
@click.option("--service", metavar="URL", help="Where the service listens.")
@click.option(
    "--keys",
    "key_set",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Or its keys in a file, as `trine statement register --keys` writes it.",
)
@click.option(
    "--alg",
    type=click.Choice(ALGORITHMS),
    help="Which of its keys.  [default: the one whose receipts every SCITT client verifies]",
)
@click.option("--pem", type=OUT, help="Write it as SubjectPublicKeyInfo in PEM.")
@click.option("--cose", type=OUT, help="Write it as COSE_Key (RFC 9052).")
@click.option(
    "--ca-file", type=click.Path(path_type=Path), help="PEM file of who vouches for the service."
)
@common
def service_key(
    settings: Settings,
    service: str | None,
    key_set: Path | None,
    alg: str | None,
    pem: Path | None,
    cose: Path | None,
    ca_file: Path | None,
) -> None:
    """Show the key with which a service signs receipts, and write it for programs of others.

    On chains of the suite gm a service has two: SM2 for receipts of the chain's log, and ES256 for
    those of the SHA-256 log beside it (?standard=1), which every client of RFC 9942 verifies.
    Compare what is shown with another source before you rely on it.

    \b
    Examples:
      trine evidence key --service https://log.city.example --pem service.pem
      trine evidence key --keys keys.cbor --alg p256 --cose service.cose
    """
    if (service is None) == (key_set is None):
        raise BadArgument("give --service or --keys, one of the two")
    checking = evidence_module("checking")
    if key_set is not None:
        data = read_file(key_set, checking.KEY_SET_BYTES_MAX)
    else:
        context = tls(ca_file, None, None)
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False, verify=context) as http:
            data = get(http, str(service), KEYS_PATH)
    found = _choose(checking.read_key_set(data), alg)
    if pem is not None:
        write_whole(pem, public_key_to_pem(found.algorithm, found.key))
    if cose is not None:
        write_whole(cose, evidence_module("keys").encode_key(found))
    document: dict[str, Any] = {
        "algorithm": found.algorithm,
        "key": f"{found.algorithm}:{found.key.hex()}",
        "kid": found.key.hex(),
        "pem": pem and str(pem),
        "cose": cose and str(cose),
    }
    lines = [f"The service signs receipts with {document['key']}"]
    settings.emit(document, [*lines, *facts(pem=pem, cose=cose)])


def _choose(keys: list[PublicKey], alg: str | None) -> PublicKey:
    """Return the one key that is meant.

    Raises:
        BadArgument: There is none, or more than one.
    """
    fits = [one for one in keys if (one.algorithm == alg if alg else one.algorithm != PRIVATE)]
    if len(fits) != 1:
        wanted = alg or "an algorithm of every SCITT client"
        known = ", ".join(f"{one.algorithm}:{one.key.hex()}" for one in keys)
        raise BadArgument(f"{len(fits)} keys of {wanted}, expected one (--alg); there are: {known}")
    return fits[0]
