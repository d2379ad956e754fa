"""Read what requests have in common: a body of bounded length, an entry in the path."""

from starlette.requests import Request

from trine.errors import TrineError
from trine.errors.services import CoseTooLarge, StatementNotFound
from trine.types import Digest


async def body_of(
    request: Request, bytes_max: int, too_large: type[TrineError] = CoseTooLarge
) -> bytes:
    """Read the body of a request, no more than it may have.

    Args:
        request: The request.
        bytes_max: Bytes that it may have.
        too_large: Error where it has more.

    Raises:
        CoseTooLarge: It has more, unless `too_large` is another.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > bytes_max:
            raise too_large(f"the body has over {bytes_max} bytes")
    return bytes(body)


def entry_of(request: Request) -> Digest:
    """Read the entry that the path names.

    Raises:
        StatementNotFound: It is none.
    """
    text = request.path_params["entry"]
    try:
        return Digest.parse(text)
    except ValueError:
        raise StatementNotFound(f"{text[:80]!r} is no entry: 64 hexadecimal digits") from None
