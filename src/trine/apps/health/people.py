"""Keep whom a custodian knows: clinicians, reviewers, researchers, insurers, with their keys.

>>> import tempfile
>>> from pathlib import Path
>>> from trine.apps.health.recipients import RecipientKey
>>> from trine.apps.health.store import FolderStore
>>> people = People(FolderStore(Path(tempfile.mkdtemp())))
>>> key = PublicKey("ed25519", bytes(32))
>>> doctor = Person("Dr. Li", "hospital", frozenset({Role.CLINICIAN}), key, bytes([9]) + bytes(31))
>>> people.add(doctor)
>>> people.by_key(key, Role.CLINICIAN).name
'Dr. Li'
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from trine.apps.health.canonical import canonical
from trine.apps.health.reading import parse
from trine.apps.health.recipients import Recipient
from trine.apps.health.store import Store
from trine.errors import BadArgument
from trine.errors.health import BadDisclosure, PersonUnknown
from trine.model.identifiers import Digest
from trine.types.calls import PublicKey

NAME_CHARACTERS_MAX: Final = 200
"""Characters of the name of a person or an organisation."""


class Role(StrEnum):
    """What a person may do at a custodian."""

    CLINICIAN = "clinician"
    """May break the glass, and approve that another does."""
    REVIEWER = "reviewer"
    """May judge emergencies."""
    RESEARCHER = "researcher"
    """May ask for counts."""
    STAFF = "staff"
    """May ask for access by consent, as everybody else may."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a custodian knows."""

    name: str
    organisation: str
    roles: frozenset[Role]
    signing: PublicKey
    """Key of the person's requests."""
    public_key: bytes
    """Key to which records are wrapped: of X25519, or of SM2 on `gm` chains."""

    @property
    def recipient(self) -> Recipient:
        """Whom records are wrapped for."""
        return Recipient(self.public_key)

    @property
    def id(self) -> Digest:
        """Id of the person: that of the recipient."""
        return self.recipient.id

    def document(self) -> dict[str, Any]:
        """Return the person for an event or the store."""
        return {
            "name": self.name,
            "organisation": self.organisation,
            "roles": sorted(map(str, self.roles)),
            "algorithm": self.signing.algorithm,
            "key": self.signing.key.hex(),
            "recipient": self.public_key.hex(),
        }

    @classmethod
    def read(cls, document: Any) -> Self:
        """Read what `document` wrote.

        Raises:
            BadDisclosure: It is nothing of the kind.
        """
        try:
            found = cls(
                document["name"],
                document["organisation"],
                frozenset(map(Role, document["roles"])),
                PublicKey(document["algorithm"], bytes.fromhex(document["key"])),
                bytes.fromhex(document["recipient"]),
            )
            is_whole = found.document() == document and type(found.name) is str
        except (KeyError, TypeError, ValueError, AttributeError):
            is_whole = False
        if not is_whole:
            raise BadDisclosure("a person is not in the form that is read")
        return found


class People:
    """The people whom a custodian knows."""

    def __init__(self, store: Store) -> None:
        """Read those whom a store knows."""
        self._store = store
        self._by_key: dict[tuple[str, bytes], Person] = {}
        for name in store.names("people"):
            content = store.get(name)
            if content is not None:
                self._remember(Person.read(parse(content)))

    def add(self, person: Person) -> None:
        """Know a person; the one of the same recipient's id is replaced.

        Raises:
            BadArgument: A name is empty or too long, or the signing key is another person's.
            DiskFull, ReadOnlyFolder: The store cannot be written.
        """
        for text in (person.name, person.organisation):
            if not 1 <= len(text) <= NAME_CHARACTERS_MAX:
                raise BadArgument(f"a name of {len(text)} characters, 1 to {NAME_CHARACTERS_MAX}")
        known = self._by_key.get((person.signing.algorithm, person.signing.key))
        if known is not None and known.id != person.id:
            raise BadArgument("the signing key is that of another person")
        self._store.put([(f"people/{person.id.hex()}", canonical(person.document()))])
        self._remember(person)

    def by_key(self, key: PublicKey, role: Role | None = None) -> Person:
        """Find whose signing key it is.

        Raises:
            PersonUnknown: Nobody's, or that of a person without the role.
        """
        found = self._by_key.get((key.algorithm, key.key))
        if found is None or (role is not None and role not in found.roles):
            raise PersonUnknown(f"nobody with this key is known here as {role or 'anybody'}")
        return found

    def everyone(self) -> list[Person]:
        """List the people, by name."""
        return sorted(self._by_key.values(), key=lambda one: (one.name, one.id))

    def _remember(self, person: Person) -> None:
        old = [at for at, one in self._by_key.items() if one.id == person.id]
        for at in old:
            del self._by_key[at]
        self._by_key[person.signing.algorithm, person.signing.key] = person
