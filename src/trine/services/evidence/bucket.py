"""Keep the files of a log in a bucket of any S3: of a cloud, or of an organisation's own.

Whatever the service does in a folder it does in a bucket too. Keys and region come from the
environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`), so
that no secret stands in an argument.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from trine.errors import BadArgument
from trine.errors.services import StoreUnavailable
from trine.services.evidence.objects import Folder, Objects, check_name

TIMEOUT_S: Final = 30
"""Seconds that one request may take."""
RETRIES_MAX: Final = 5
RETRY_S_MAX: Final = 60
"""Seconds for a request with all its retries."""
WRITERS: Final = 8
"""Objects that are written at the same time."""
FAILURES: Final = (BaseError, FileNotFoundError)
"""What the library raises; the second one where there is no such bucket."""
SCHEME: Final = "s3"
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
"""Variables that name an S3 that is not Amazon's; the first one counts."""


class Bucket:
    """Named bytes as objects below a prefix of a bucket."""

    def __init__(self, url: str, *, endpoint: str | None = None) -> None:
        """Use the bucket of `s3://BUCKET/PREFIX`. No request is made yet.

        Args:
            url: Where.
            endpoint: URL of the S3 where it is not Amazon's; by default that of the environment.

        Raises:
            BadArgument: The URL names no bucket, or the endpoint is plain HTTP on another host.
        """
        parts = urlsplit(url)
        if parts.scheme != SCHEME or not parts.netloc or parts.query or parts.username:
            raise BadArgument(f"{url!r:.200} is no bucket, expected s3://BUCKET/PREFIX")
        plain = endpoint is not None and endpoint.startswith("http://")
        if plain and urlsplit(endpoint).hostname not in LOOPBACK:
            raise BadArgument(f"{endpoint} sends everything in clear: expected https://")
        self._url = url
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            endpoint=endpoint,
            client_options={"timeout": timedelta(seconds=TIMEOUT_S), "allow_http": plain},
            retry_config={
                "max_retries": RETRIES_MAX,
                "retry_timeout": timedelta(seconds=RETRY_S_MAX),
            },
        )

    def read(self, name: str) -> bytes | None:
        """Return the content of an object; nothing where there is none.

        Raises:
            StoreUnavailable: The S3 does not answer, or refuses.
        """
        check_name(name)
        try:
            return bytes(obstore.get(self._store, name).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as error:
            raise self._unavailable(error) from None

    def write(self, items: Mapping[str, bytes]) -> None:
        """Write every object whole or not at all; the S3 has answered for each on return.

        Raises:
            StoreUnavailable: The S3 does not answer, or refuses.
        """
        for name in items:
            check_name(name)
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(self._write_one, items.items()))

    def remove(self, name: str) -> None:
        """Remove the objects below a name, as if it were a folder.

        Raises:
            StoreUnavailable: The S3 does not answer, or refuses.
        """
        check_name(name)
        try:
            for batch in obstore.list(self._store, f"{name}/"):
                obstore.delete(self._store, [one["path"] for one in batch])
        except FAILURES as error:
            raise self._unavailable(error) from None

    def delete(self, names: Sequence[str]) -> None:
        """Remove objects; the S3 has answered for all of them on return.

        Where the bucket keeps versions, the old ones stay until its rules remove them.

        Raises:
            StoreUnavailable: The S3 does not answer, or refuses.
        """
        for name in names:
            check_name(name)
        try:
            if names:
                obstore.delete(self._store, list(names))
        except FAILURES as error:
            raise self._unavailable(error) from None

    def _write_one(self, item: tuple[str, bytes]) -> None:
        name, content = item
        try:
            obstore.put(self._store, name, content)
        except FAILURES as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        # What the library says names the request; what stands behind it may be long.
        return StoreUnavailable(f"{self._url}: {str(error)[:300]}", instance=self._url)


def endpoint_of(variables: Mapping[str, str]) -> str | None:
    """Return the endpoint that the environment names; nothing where it names none.

    >>> endpoint_of({"AWS_ENDPOINT_URL": "https://s3.example", "AWS_ENDPOINT": "https://other"})
    'https://s3.example'
    """
    return next((variables[name] for name in ENDPOINTS if variables.get(name)), None)


def open_objects(place: str, *, endpoint: str | None = None) -> Objects:
    """Open a folder, or a bucket where the place is `s3://BUCKET/PREFIX`.

    Raises:
        BadArgument: As `Bucket`.
    """
    if place.startswith(f"{SCHEME}:"):
        return Bucket(place, endpoint=endpoint)
    return Folder(Path(place))
