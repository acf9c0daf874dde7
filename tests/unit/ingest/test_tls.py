"""HTTPS straight from files."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import uvloop

from ingest.http.tls import TlsError
from tests.unit.ingest.wire import Published, Run, connection, post, running


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


@pytest.fixture
def other_key(files: tuple[Path, Path]) -> Path:
    """A key of no certificate."""
    key = files[1].with_name("other.pem")
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    return key


@pytest.fixture
def encrypted_key(files: tuple[Path, Path]) -> Path:
    """The same key behind a password."""
    _, key = files
    encrypted = key.with_name("encrypted.pem")
    command = (
        "openssl",
        "rsa",
        "-aes256",
        "-passout",
        "pass:sesame",
        "-in",
        str(key),
        "-out",
        str(encrypted),
    )
    subprocess.run(command, check=True, capture_output=True)
    return encrypted


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


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x01\x02\x00\x01"])
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
async def test_a_handshake_that_stalls_has_no_more_time_than_headers(
    files: tuple[Path, Path], published: Published, run: Run, begun: bytes
) -> None:
    certificate, key = files
    tls = {"tls_certificate": certificate, "tls_key": key}

    async def stall() -> None:
        async with running(published, header_timeout_seconds=0.3, **tls) as port, connection(port) as peer:
            await peer.send(begun)
            assert await peer.ends()

    await asyncio.to_thread(run, stall())


async def test_a_file_that_cannot_be_used_is_named(
    files: tuple[Path, Path], other_key: Path, published: Published
) -> None:
    certificate, key = files
    junk, missing = certificate.with_name("junk.pem"), certificate.with_name("missing.pem")
    junk.write_text("no PEM")
    for settings, why in (
        ({"tls_certificate": missing}, "cannot be used: No such file or directory"),
        ({"tls_certificate": certificate}, "cannot be used alone: set MIDI_INGEST_TLS_KEY, too"),
        ({"tls_certificate": certificate, "tls_key": junk}, "one of them is not in PEM"),
        ({"tls_certificate": certificate, "tls_key": other_key}, "the key is another certificate's"),
        ({"tls_key": key}, "set MIDI_INGEST_TLS_CERTIFICATE, too"),
    ):
        with pytest.raises(TlsError, match=why):
            async with running(published, **settings):
                pass


async def test_an_encrypted_key_is_refused_instead_of_asked_for(
    files: tuple[Path, Path], encrypted_key: Path, published: Published
) -> None:
    with pytest.raises(OSError, match=r"MIDI_INGEST_TLS_KEY=\S+ cannot be used: the key is encrypted"):
        async with running(published, tls_certificate=files[0], tls_key=encrypted_key):
            pass


@pytest.mark.parametrize("arguments", [["ingest"], ["ingest", "--processes", "2"], ["up"]])
def test_files_that_cannot_be_used_stop_the_start_as_other_settings_do(
    files: tuple[Path, Path], arguments: list[str]
) -> None:
    command = [sys.executable, "-P", "-m", "midi_ingest", *arguments]
    env = {"MIDI_INGEST_TLS_CERTIFICATE": str(files[0]), "MIDI_INGEST_PORT": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"midi-ingest: MIDI_INGEST_TLS_CERTIFICATE={files[0]} cannot be used alone: "
    )
