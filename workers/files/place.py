"""What MIDI_INGEST_STORE names: a directory, or a bucket with a prefix in an object store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

EXPECTED: Final = "a directory, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"

PREFIX_BYTES_MAX: Final = 800
"""S3 has keys of up to 1,024 bytes; below its prefix a task's file takes up to 171 of them."""

_URL: Final = re.compile(r"(s3|gs|az)://([A-Za-z0-9][A-Za-z0-9._-]*)(?:/+(.*?))?/*", re.DOTALL)
_NO_SEGMENT: Final = {"", ".", ".."}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of an object store, which ``scheme`` names; files lie below ``prefix``, which may be empty."""

    scheme: str
    name: str
    prefix: str

    def key(self, name: str) -> str:
        """The key of the object that holds a file; the same characters, none encoded or decoded."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def url(self, name: str = "") -> str:
        """Where a file is, or all of them are: what stands behind the bucket's name is the key as it is."""
        return f"{self.scheme}://{self.name}/{self.key(name)}".rstrip("/")


def bucket_in(store: str) -> Bucket | None:
    """What an object store's URL names; None where ``store`` is a directory.

    Raises:
        ValueError: it is another URL, or nothing may be called so. It is not quoted: it may have credentials in it.
    """
    if "://" not in store:
        return None
    url = _URL.fullmatch(store)
    if url is None:
        raise ValueError(
            f"expected {EXPECTED}; credentials never stand in it, but in the environment or in "
            "MIDI_INGEST_STORE_SECRETS_FILE"
        )
    bucket = Bucket(url[1], url[2], url[3] or "")
    _check_prefix(bucket.prefix)
    return bucket


def _check_prefix(prefix: str) -> None:
    if len(prefix.encode()) > PREFIX_BYTES_MAX:
        raise ValueError(f"the prefix behind the bucket has more than {PREFIX_BYTES_MAX} bytes")
    if re.search(r"[\x00-\x1f\x7f?#]", prefix) or (prefix and _NO_SEGMENT & set(prefix.split("/"))):
        raise ValueError(
            "the prefix behind the bucket is made of names separated by single slashes, none of them . or .., "
            "without ?, # and control characters"
        )
