"""HTTPS straight from files."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.unit.ingest.wire import Published, post, running


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


async def test_callbacks_are_taken_over_https(files: tuple[Path, Path], published: Published) -> None:
    certificate, key = files
    async with running(published, tls_certificate=certificate, tls_key=key) as port:
        trusted = ssl.create_default_context(cafile=str(certificate))
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusted)
        writer.write(post())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await writer.wait_closed()
    assert len(published.records) == 1


async def test_a_file_that_cannot_be_used_is_named(files: tuple[Path, Path], published: Published) -> None:
    certificate, _ = files
    for settings in (
        {"tls_certificate": certificate.with_name("missing.pem")},
        {"tls_certificate": certificate},  # without the key
    ):
        with pytest.raises(OSError, match="MIDI_INGEST_TLS_CERTIFICATE"):
            async with running(published, **settings):
                pass


async def test_a_key_without_a_certificate_is_refused(files: tuple[Path, Path], published: Published) -> None:
    with pytest.raises(OSError, match="MIDI_INGEST_TLS_CERTIFICATE"):
        async with running(published, tls_key=files[1]):
            pass
