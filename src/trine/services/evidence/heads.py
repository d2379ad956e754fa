"""Make receipts from the newest head of a log that the service signed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trine.errors import TrineError
from trine.errors.services import StatementNotFound
from trine.services.evidence import receipt
from trine.services.evidence.entry_proof import EntryProof
from trine.services.evidence.mirror import Certified
from trine.services.evidence.receipt import SignedHead
from trine.services.evidence.tiles import TILE_WIDTH, View
from trine.types import Digest


@dataclass(frozen=True)
class Head:
    """The newest certified head of the log, from which receipts are made.

    Attributes:
        certified: The head, with a view of the log.
        signed: The same, signed by the service.
        view: The log, or the one beside it that is signed.
        proof: The chain's proof of its last entry; nothing for a log that the chain does not have.
    """

    certified: Certified
    signed: SignedHead
    view: View
    proof: EntryProof | None

    def receipt(self, entry: Digest, place: int, *, with_chain_proof: bool) -> bytes:
        """Make the receipt of an entry. The chain's proof shares all but its path with `proof`."""
        path = self.view.inclusion_path(place)
        shown = None
        if with_chain_proof and self.proof is not None:
            own = self.proof._replace(entry=entry, leaf_index=place, path=b"".join(path))
            shown = own.file(self.signed.head.function)
        return receipt.receipt_for(self.signed, place, path, chain_proof=shown)

    def receipts_below(self, number: int, places: Sequence[int]) -> list[bytes]:
        """Make receipts of entries below a full tile, without the chain's proof.

        Args:
            number: Number of the tile.
            places: Places of the entries in it.
        """
        tile, above = self.view.tile(number), self.view.path_above(number)
        return receipt.receipts_for(self.signed, number, places, tile, above)


def make_receipts(
    head: Head | None,
    entries: Sequence[Digest],
    places: Mapping[Digest, int | None],
    *,
    with_chain_proof: bool,
) -> list[bytes | TrineError | None]:
    """Make receipts, where the tiles may lie far away: a good deal of waiting."""
    made: list[bytes | TrineError | None] = []
    # Of those below a full tile: where in the answer, and where in the tile.
    by_tile: dict[int, list[tuple[int, int]]] = {}
    for entry in entries:
        if entry not in places:
            message = f"no statement has the entry {entry}"
            made.append(StatementNotFound(message, instance=str(entry)))
            continue
        place = places[entry]
        if place is None or head is None or place >= head.signed.head.size:
            made.append(None)
        elif (with_chain_proof and head.proof) or not head.view.is_full(place // TILE_WIDTH):
            made.append(head.receipt(entry, place, with_chain_proof=with_chain_proof))
        else:
            number, within = divmod(place, TILE_WIDTH)
            by_tile.setdefault(number, []).append((len(made), within))
            made.append(None)
    for number, several in by_tile.items():
        assert head is not None, "there are places in it"
        receipts = head.receipts_below(number, [within for _, within in several])
        for (at, _), one in zip(several, receipts, strict=True):
            made[at] = one
    return made
