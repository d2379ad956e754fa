"""Write a claim with what proves it as one file, and check it: no network, no hospital.

A ZIP that any program opens; `docs/reference/health-access.md`, section 6, says what it shows.

| Member | Content |
|---|---|
| `claim.json` | the claim, FHIR JSON in canonical form |
| `shown/ENTRY` | proven disclosure of the record with this entry |

>>> from trine.apps.health.claims import claim_for
>>> claim = claim_for("hospital", [Digest(bytes(32))], "2026-11", insured="77", policy="9")
>>> ClaimFile.decode(ClaimFile(claim, ()).encode()).claim["use"]
'claim'
"""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from trine.apps.health.accounts import Account
from trine.apps.health.actions import Actions
from trine.apps.health.canonical import canonical
from trine.apps.health.claims import (
    ProvenDisclosure,
    ProvenFields,
    check_claim,
    claim_for,
)
from trine.apps.health.fields import CUSTODIAN, MONTH, TYPE
from trine.apps.health.hospital import Hospital
from trine.apps.health.limits import CLAIM_BYTES_MAX, CLAIM_RECORDS_MAX
from trine.apps.health.reading import parse
from trine.client import Trust
from trine.errors import BadArgument, UnreadableFile
from trine.errors.health import BadDisclosure
from trine.model.identifiers import Digest

CLAIM: Final = "claim.json"
SHOWN: Final = "shown/"
ALWAYS: Final = (CUSTODIAN, TYPE, MONTH)
"""Fields that every claim shows of each record."""
_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""Time of the members: the same content gives the same file."""


@dataclass(frozen=True, slots=True)
class ClaimFile:
    """A claim and the disclosures that it rests on."""

    claim: Any
    """FHIR, as `reading.parse` reads it."""
    proven: tuple[ProvenDisclosure, ...]

    def encode(self) -> bytes:
        """Return it as a ZIP."""
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as file:
            file.writestr(zipfile.ZipInfo(CLAIM, _TIME), canonical(self.claim))
            for one in self.proven:
                name = f"{SHOWN}{one.shown.record.hex()}"
                file.writestr(zipfile.ZipInfo(name, _TIME), one.encode())
        return made.getvalue()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read such a ZIP; nothing of it is checked yet.

        Raises:
            BadDisclosure: It is none, or larger than is read.
            NotJson and others: Its claim is none, as `reading.parse` says.
        """
        members = _members(data)
        claim = members.pop(CLAIM, None)
        if claim is None or not all(name.startswith(SHOWN) for name in members):
            raise BadDisclosure(f"a claim's file holds {CLAIM} and {SHOWN}ENTRY, and nothing else")
        return cls(parse(claim), tuple(map(ProvenDisclosure.decode, members.values())))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read such a file.

        Raises:
            UnreadableFile: It cannot be read.
            BadDisclosure, NotJson and others: As `decode` says.
        """
        try:
            with path.open("rb") as file:
                data = file.read(CLAIM_BYTES_MAX + 1)
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}"
            raise UnreadableFile(message, instance=str(path)) from error
        return cls.decode(data)

    def check(self, trust: Trust, log: int) -> list[ProvenFields]:
        """Check the claim. No network is needed.

        Args:
            trust: Whom to believe about the chain.
            log: Number of the provider's log of records, known from elsewhere.

        Raises:
            ClaimUnproven, DisclosureMismatch, ProofMismatch and others: As `check_claim` says.
        """
        return check_claim(self.claim, self.proven, trust, log)


class Claimed(NamedTuple):
    """What a claim is to be.

    Attributes:
        insurer: Account of the insurer, which asks for the fields.
        purpose: Code of PurposeOfUse under which it asks.
        fields: Fields that are shown beside those of every claim.
        insured: How the insurer names whom it is about.
        policy: How the insurer names the policy.
    """

    insurer: str
    purpose: str
    fields: tuple[str, ...]
    insured: str
    policy: str


async def make_claim(
    hospital: Hospital,
    records: Sequence[Digest],
    claimed: Claimed,
    open_account: Callable[[str], Account],
) -> ClaimFile:
    """Have the insurer ask for fields of records, and write the claim that names them.

    Each disclosure is an access of the insurer's: it is in the patient's history.

    Args:
        hospital: The hospital that claims.
        records: Entries of the records, of one patient and one month.
        claimed: What the claim is to be.
        open_account: Opens an account by its name.

    Raises:
        BadArgument: There are none or too many, of several patients or months, or one has no date
            or no such field.
        AccessRefused: No consent lets the insurer see them.
        RecordNotFound, RecordErased and others: As `Actions.disclose` says.
    """
    if not 1 <= len(set(records)) == len(records) <= CLAIM_RECORDS_MAX:
        message = f"{len(records)} records, expected 1 to {CLAIM_RECORDS_MAX}, each once"
        raise BadArgument(message)
    owners = {hospital.custody.owner(record) for record in records}
    if len(owners) > 1:
        raise BadArgument("the records are of several patients: make a claim for each")
    [owner] = owners
    months = {hospital.custody.date(owner, record)[: len("2026-11")] for record in records}
    if len(months) > 1 or months == {""}:
        raise BadArgument("a claim is about records of one month, each with a date")
    account = open_account(claimed.insurer)
    names = tuple(dict.fromkeys((*ALWAYS, *claimed.fields)))
    actions = Actions(hospital)
    proven = [await actions.disclose(account, record, claimed.purpose, names) for record in records]
    claim = claim_for(
        hospital.custodian, records, months.pop(), insured=claimed.insured, policy=claimed.policy
    )
    return ClaimFile(claim, tuple(proven))


def _members(data: bytes) -> dict[str, bytes]:
    """Read the members of a ZIP, all of them within the limits."""
    if len(data) > CLAIM_BYTES_MAX:
        raise BadDisclosure(f"a claim's file of more than {CLAIM_BYTES_MAX} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            infos = file.infolist()
            size = sum(info.file_size for info in infos)
            names = {info.filename for info in infos}
            if len(infos) > CLAIM_RECORDS_MAX + 1 or len(names) < len(infos):
                message = f"a claim's file has at most {CLAIM_RECORDS_MAX} records, each once"
                raise BadDisclosure(message)
            if size > CLAIM_BYTES_MAX:
                raise BadDisclosure(f"a claim's file of more than {CLAIM_BYTES_MAX} bytes")
            return {info.filename: file.read(info) for info in infos}
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, RuntimeError) as error:
        raise BadDisclosure(f"it is no ZIP of a claim: {error}") from None
