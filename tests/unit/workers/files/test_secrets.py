"""The file with an object store's credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.files.secrets import read_secrets
from workers.runtime.api import Unavailable


def test_each_line_is_a_name_and_a_value_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    path.write_text(
        "\ufeff# of the bucket\n\nAWS_ACCESS_KEY_ID=AKIA1\r\n AWS_SECRET_ACCESS_KEY = a/b+c=#'\"==  \n"
    )
    assert read_secrets(path, "s3") == {
        "AWS_ACCESS_KEY_ID": "AKIA1",
        "AWS_SECRET_ACCESS_KEY": "a/b+c=#'\"==",
    }


@pytest.mark.parametrize(
    "line",
    [
        "swordfish",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECRET_ACCESS_KEY=",
        "AWS_SECRET_ACCESS_KEY='swordfish'",
        'AWS_SECRET_ACCESS_KEY="swordfish"',
        "export AWS_SECRET_ACCESS_KEY=swordfish",
        "aws_secret_access_key=swordfish",
        "GOOGLE_SERVICE_ACCOUNT_KEY=swordfish",
        "MIDI_INGEST_STORE=swordfish",
    ],
)
def test_another_line_is_named_by_its_number_and_never_quoted(tmp_path: Path, line: str) -> None:
    path = tmp_path / "secrets"
    path.write_text(f"AWS_REGION=eu-central-1\n{line}\n")
    with pytest.raises(
        Unavailable, match=r"secrets has something else in line 2. Expected AWS_…=value"
    ) as refused:
        read_secrets(path, "s3")
    assert "swordfish" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        Unavailable, match=r"MIDI_INGEST_STORE_SECRETS_FILE: .*none cannot be read: No such file"
    ):
        read_secrets(tmp_path / "none", "s3")
    (tmp_path / "binary").write_bytes(b"swordfish\xff")
    with pytest.raises(Unavailable, match="binary is not text in UTF-8") as refused:
        read_secrets(tmp_path / "binary", "s3")
    assert "swordfish" not in str(refused.value)
