"""An object store: S3 and what speaks its protocol, Google Cloud Storage, Azure; by obstore.

How it is reached, and with which credentials, is said by the variables that its own tools take, in the environment or
in MIDI_INGEST_STORE_SECRETS_FILE: `AWS_…`, `GOOGLE_…`, `AZURE_…`. Without any, those of the machine, the container or
the pod are asked for.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import obstore
from obstore.exceptions import BaseError, UnknownConfigurationKeyError
from obstore.store import AzureStore, GCSStore, S3Store

from workers.files.farewell import under_way
from workers.files.place import Bucket
from workers.files.refusals import refusal_in
from workers.files.secrets import PREFIXES, read_secrets
from workers.runtime.exceptions import Unavailable

_STORES: Final[dict[str, Any]] = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}

_ENDPOINTS: Final = ("ENDPOINT", "ENDPOINT_URL", "ENDPOINT_URL_S3")
_ENDPOINT: Final = re.compile(r"https?://([\w.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/[\w./~-]*)?", re.ASCII)

RETRIES_MAX: Final = 3
"""How often a PUT is sent again at once. What lasts longer is for the lane to wait for, which says so in the log."""

BACKOFF: Final = {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2}


class ObjectStore:
    """Keeps each file as an object: see `workers.files.files.Files`.

    An object is written by one PUT, and is there whole or not at all. The last PUT of a name stands. A lane sends those
    of one task one after the other, so an older result, which `store` drops, never follows a newer one. A zombie's may:
    if it was stopped in the midst of a PUT, and goes on after another process has written a newer result of that task.
    That takes two results of one task within seconds, which only a redrive leads to. The zombie is fenced, so no
    outcome tells of its object, and a replay of the task writes the newer one again.
    """

    def __init__(self, bucket: Bucket, secrets_file: Path | None, deadline_seconds: float) -> None:
        """Set up the client; nothing is sent yet.

        Raises:
            Unavailable: what is set does not do.
        """
        self._bucket, self._secrets_file, self._deadline_seconds = bucket, secrets_file, deadline_seconds
        self._client: Any = self._opened()

    async def write(self, name: str, content: bytes, content_type: str) -> None:
        """PUT an object. After credentials were denied the next PUT reads them anew."""
        self._client = self._client or self._opened()
        try:
            with under_way():
                async with asyncio.timeout(self._deadline_seconds):
                    await obstore.put_async(
                        self._client,
                        self._bucket.key(name),
                        content,
                        attributes={"Content-Type": content_type},
                        use_multipart=False,
                    )
        except TimeoutError:
            raise Unavailable(
                f"{self.where(name)} was not written within {self._deadline_seconds:g} s, half of "
                "MIDI_INGEST_CALL_DEADLINE_SECONDS."
            ) from None
        except Exception as error:  # noqa: BLE001 - a panic of obstore's, too, is no fault of the record
            refusal = refusal_in(str(error))
            if refusal.denied:
                self._client = None
            kind = OSError if refusal.this_object_only else Unavailable
            raise kind(f"Cannot write {self.where(name)}: {refusal.words}.") from None

    def where(self, name: str) -> str:
        """The URL of an object."""
        return self._bucket.url(name)

    def _opened(self) -> Any:
        scheme, deadline = self._bucket.scheme, timedelta(seconds=self._deadline_seconds)
        secrets = read_secrets(self._secrets_file, scheme) if self._secrets_file else {}
        # Whoever sets an endpoint of http:// means it; nothing else is ever sent in the clear.
        ours = {"ALLOW_HTTP": "true", "TIMEOUT": f"{self._deadline_seconds:g}s"}
        _check_endpoints(os.environ | secrets, PREFIXES[scheme])
        variables = secrets | {PREFIXES[scheme] + name: value for name, value in ours.items()}
        try:
            return _STORES[scheme](
                self._bucket.name,
                config={name.lower(): value for name, value in variables.items()},
                retry_config={"max_retries": RETRIES_MAX, "retry_timeout": deadline, "backoff": BACKOFF},
            )
        except UnknownConfigurationKeyError as error:
            raise Unavailable(
                f"MIDI_INGEST_STORE_SECRETS_FILE: {_unknown_name(error)} is not known."
            ) from None
        except (BaseError, OSError, ValueError) as error:
            raise Unavailable(
                f"MIDI_INGEST_STORE={self._bucket.url()} cannot be used with the variables that are set for it: "
                f"{_what_is_wrong(error)}."
            ) from None


def _check_endpoints(variables: Mapping[str, str], prefix: str) -> None:
    """Obstore takes any endpoint, and panics once it has something to send there."""
    for name in (f"{prefix}{end}" for end in _ENDPOINTS if f"{prefix}{end}" in variables):
        if not _ENDPOINT.fullmatch(variables[name]):
            raise Unavailable(f"{name}: expected a URL such as http://127.0.0.1:9000, without credentials.")


def _unknown_name(error: BaseException) -> str:
    found = re.search(r"key: '([a-z0-9_]+)'", str(error))
    return found[1].upper() if found else "a variable"


def _what_is_wrong(error: BaseException) -> str:
    """In obstore's own word for it, such as MissingSecretAccessKey; what it says beyond that may quote a value."""
    told = str(error)
    if twice := re.match(r"Duplicate key [a-z0-9_]+", told):
        return twice[0]
    kinds: list[str] = re.findall(r"source: ((?:[A-Z][a-z]+){2,})", told)
    return kinds[-1] if kinds else "one of them has a value that cannot be read"
