"""What MIDI_INGEST_STORE may name, and which keys files have there."""

from __future__ import annotations

import pytest

from workers.files.place import PREFIX_BYTES_MAX, Bucket, bucket_in
from workers.store import FILES, folder_name

S3_KEY_BYTES_MAX = 1024


@pytest.mark.parametrize(
    ("url", "bucket"),
    [
        ("s3://midi", Bucket("s3", "midi", "")),
        ("s3://midi/", Bucket("s3", "midi", "")),
        ("s3://midi/songs", Bucket("s3", "midi", "songs")),
        ("s3://midi/songs/", Bucket("s3", "midi", "songs")),
        ("gs://my_bucket.example.com/a/b", Bucket("gs", "my_bucket.example.com", "a/b")),
        ("az://container/my songs/ü/100%25", Bucket("az", "container", "my songs/ü/100%25")),
    ],
)
def test_a_url_names_a_bucket_and_a_prefix_as_they_are(url: str, bucket: Bucket) -> None:
    assert bucket_in(url) == bucket


@pytest.mark.parametrize("store", ["./data/store", "/srv/songs", "s3", "songs:1", ""])
def test_anything_else_is_a_directory(store: str) -> None:
    assert bucket_in(store) is None


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:///songs",
        "S3://midi",
        "http://midi/songs",
        "s3://key:swordfish@midi/songs",
        "s3://swordfish@midi",
        "s3://midi:9000/songs",
        "s3://midi?secret=swordfish",
        "s3://midi/songs?X-Amz-Signature=swordfish",
        "s3://midi/songs#swordfish",
        "s3://midi/a//b",
        "s3://midi/./b",
        "s3://midi/a/../b",
        "s3://midi/a\nb",
        f"s3://midi/{'x' * (PREFIX_BYTES_MAX + 1)}",
        f"s3://midi/{'ü' * (PREFIX_BYTES_MAX // 2 + 1)}",
    ],
)
def test_what_is_no_place_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected a directory|the prefix behind the bucket") as refused:
        bucket_in(url)
    assert "swordfish" not in str(refused.value)


@pytest.mark.parametrize("prefix", ["", "songs"])
def test_a_url_is_the_bucket_and_the_key(prefix: str) -> None:
    bucket = Bucket("s3", "midi", prefix)
    name = f"tasks/{folder_name('5c79****be8e')}/song.mid"
    assert bucket.url(name) == f"s3://midi/{bucket.key(name)}"
    assert bucket.key(name).endswith("tasks/5c79%2A%2A%2A%2Abe8e/song.mid")
    assert bucket.url() == ("s3://midi/songs" if prefix else "s3://midi")


def test_the_longest_key_is_one_that_s3_takes() -> None:
    bucket = bucket_in(f"s3://midi/{'x' * PREFIX_BYTES_MAX}")
    assert bucket
    longest = max(len(bucket.key(f"tasks/{folder_name('ü' * 200)}/{file}")) for file in FILES.values())
    assert longest <= S3_KEY_BYTES_MAX
