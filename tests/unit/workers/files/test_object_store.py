"""Objects: one PUT each, under exactly the folder's name; what refusals mean, and what of them is told."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.unit.workers.files.answers import Answer, Answers, answering
from workers.files.object_store import RETRIES_MAX, ObjectStore
from workers.files.place import bucket_in
from workers.runtime.api import Unavailable
from workers.store import folder_name

SECRET = "swordfish"  # noqa: S105 - of nobody
NAME = "tasks/a1/song.mid"
SERVICE_ACCOUNT = (
    '{"private_key":"x","private_key_id":"x","client_email":"x","gcs_base_url":"{}","disable_oauth":true}'
)


def store(tmp_path: Path, *lines: str, url: str = "s3://midi/songs", seconds: float = 5) -> ObjectStore:
    path = tmp_path / "store-secrets"
    path.write_text("\n".join(lines))
    bucket = bucket_in(url)
    assert bucket
    return ObjectStore(bucket, path, seconds)


def s3(tmp_path: Path, endpoint: str, *lines: str, seconds: float = 5) -> ObjectStore:
    key = ("AWS_ACCESS_KEY_ID=AKIA1", f"AWS_SECRET_ACCESS_KEY={SECRET}")
    return store(tmp_path, f"AWS_ENDPOINT_URL={endpoint}", *key, *lines, seconds=seconds)


async def refusal(files: ObjectStore, kind: type[Exception] = Unavailable) -> str:
    with pytest.raises(kind) as refused:
        await files.write(NAME, b"MThd", "audio/midi")
    assert type(refused.value) is kind
    assert refused.value.__suppress_context__ or refused.value.__cause__ is None
    assert SECRET not in str(refused.value)
    return str(refused.value)


def code(status: int, name: str) -> Answer:
    """An error as S3 says it, with more of what it knows than anybody should see."""
    return status, f"<Error><Code>{name}</Code><StringToSign>{SECRET}</StringToSign></Error>"


@pytest.mark.parametrize(
    "task_id", ["5c79****be8e", "a b", "../x", ".", "a/b\\c", "é 漢😀", "100%", "x" * 200, "ü" * 200]
)
async def test_the_key_is_the_folders_name_as_it_is_on_disk(tmp_path: Path, task_id: str) -> None:
    name = f"tasks/{folder_name(task_id)}/song.mid"
    with answering() as server:
        files = s3(tmp_path, server.url)
        await files.write(name, b"MThd\x00", "audio/midi")
    (asked,) = server.asked
    assert unquote(asked.path) == f"/midi/songs/{name}"
    assert asked.body == b"MThd\x00"
    assert files.where(name) == f"s3://midi/songs/{name}"


@pytest.mark.parametrize("content_type", ["application/json", "audio/midi"])
async def test_an_object_says_what_it_is(tmp_path: Path, content_type: str) -> None:
    with answering() as server:
        await s3(tmp_path, server.url).write(NAME, b"{}", content_type)
    assert server.asked[0].headers["content-type"] == content_type


async def test_the_largest_file_is_one_put(tmp_path: Path) -> None:
    content = b"x" * 9 * 1024 * 1024
    with answering() as server:
        await s3(tmp_path, server.url).write(NAME, content, "audio/midi")
    assert [(asked.method, asked.body) for asked in server.asked] == [("PUT", content)]


@pytest.mark.parametrize(
    ("url", "lines", "content_type"),
    [
        ("s3://midi/songs", ("AWS_ENDPOINT={}", "AWS_SKIP_SIGNATURE=true"), "content-type"),
        ("gs://midi/songs", ("GOOGLE_SERVICE_ACCOUNT_KEY=" + SERVICE_ACCOUNT,), "content-type"),
        (
            "az://midi/songs",
            ("AZURE_ENDPOINT={}", "AZURE_STORAGE_ACCOUNT_NAME=me", "AZURE_SKIP_SIGNATURE=true"),
            "x-ms-blob-content-type",
        ),
    ],
)
async def test_each_kind_of_object_store_is_put_to(
    tmp_path: Path, url: str, lines: tuple[str, ...], content_type: str
) -> None:
    name = f"tasks/{folder_name('5c79****be8e')}/song.mid"
    with answering() as server:
        files = store(tmp_path, *(line.replace("{}", server.url) for line in lines), url=url)
        await files.write(name, b"MThd", "audio/midi")
    (asked,) = server.asked
    assert (asked.method, unquote(asked.path), asked.body) == ("PUT", f"/midi/songs/{name}", b"MThd")
    assert asked.headers[content_type] == "audio/midi"
    assert files.where(name) == f"{url}/{name}"


async def test_what_soon_passes_is_tried_again_at_once(tmp_path: Path) -> None:
    with answering(code(503, "SlowDown"), (0, ""), (200, "")) as server:
        await s3(tmp_path, server.url).write(NAME, b"MThd", "audio/midi")
    assert [asked.body for asked in server.asked] == [b"MThd"] * 3


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (code(503, "SlowDown"), "503 Service Unavailable, SlowDown"),
        (code(500, "InternalError"), "500 Internal Server Error, InternalError"),
        ((429, ""), "429 Too Many Requests"),
        ((0, ""), "the connection was cut"),
    ],
)
async def test_what_does_not_pass_is_waited_for(tmp_path: Path, answer: Answer, told: str) -> None:
    with answering(answer) as server:
        assert await refusal(s3(tmp_path, server.url)) == f"Cannot write s3://midi/songs/{NAME}: {told}."
    assert len(server.asked) == 1 + RETRIES_MAX


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (code(403, "SignatureDoesNotMatch"), "403 Forbidden, SignatureDoesNotMatch. Correct the credentials"),
        (
            code(403, "AccessDenied"),
            "403 Forbidden, AccessDenied. Correct the credentials, or what they may do",
        ),
        (code(403, "RequestTimeTooSkewed"), "403 Forbidden, RequestTimeTooSkewed. Set this machine's clock"),
        (code(400, "ExpiredToken"), "400 Bad Request, ExpiredToken. Renew the credentials"),
        ((401, ""), "401 Unauthorized. Correct the credentials"),
        (
            code(404, "NoSuchBucket"),
            "404 Not Found, NoSuchBucket. Create the bucket, or correct MIDI_INGEST_STORE",
        ),
        (code(400, "AuthorizationHeaderMalformed"), "Correct AWS_REGION"),
        (code(301, "PermanentRedirect"), "it is in another region. Correct AWS_REGION"),
        (code(409, "OperationAborted"), "409 Conflict, OperationAborted"),
    ],
)
async def test_what_is_wrong_for_every_object_is_waited_for_and_says_what_to_do(
    tmp_path: Path, answer: Answer, told: str
) -> None:
    with answering(answer) as server:
        assert told in await refusal(s3(tmp_path, server.url))
    assert len(server.asked) == 1


@pytest.mark.parametrize("answer", [(413, ""), code(400, "EntityTooLarge"), code(400, "KeyTooLongError")])
async def test_what_concerns_one_object_only_is_its_own_failure(tmp_path: Path, answer: Answer) -> None:
    with answering(answer) as server:
        assert NAME in await refusal(s3(tmp_path, server.url), OSError)


async def test_a_server_that_says_nothing_is_not_waited_for_longer_than_the_deadline(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        told = await refusal(s3(tmp_path, endpoint, seconds=0.2))
    assert f"s3://midi/songs/{NAME}" in told


async def test_where_nobody_listens_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert "nobody listens there" in await refusal(s3(tmp_path, endpoint))


async def test_credentials_that_were_denied_are_read_anew(tmp_path: Path) -> None:
    with answering(code(403, "InvalidAccessKeyId"), (200, "")) as server:
        files = s3(tmp_path, server.url)
        await refusal(files)
        path = tmp_path / "store-secrets"
        path.write_text(path.read_text().replace("AKIA1", "AKIA2"))
        await files.write(NAME, b"MThd", "audio/midi")
    assert [key_of(asked.headers["authorization"]) for asked in server.asked] == ["AKIA1", "AKIA2"]


async def test_while_the_file_of_secrets_is_gone_it_waits(tmp_path: Path) -> None:
    with answering(code(403, "AccessDenied"), (200, "")) as server:
        files = s3(tmp_path, server.url)
        await refusal(files)
        path = tmp_path / "store-secrets"
        path.rename(tmp_path / "elsewhere")
        assert "cannot be read" in await refusal(files)
        (tmp_path / "elsewhere").rename(path)
        await files.write(NAME, b"MThd", "audio/midi")


async def test_the_file_of_secrets_comes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-environment")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "false")
    with answering() as server:
        await s3(tmp_path, server.url).write(NAME, b"MThd", "audio/midi")
    assert key_of(server.asked[0].headers["authorization"]) == "AKIA1"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"AWS_SECRET_ACCESS_KEY={SECRET}", "variables that are set for it: MissingAccessKeyId"),
        (f"AWS_UNSIGNED_PAYLOAD={SECRET}", "one of them has a value that cannot be read"),
        (f"AWS_PROFILE={SECRET}", "MIDI_INGEST_STORE_SECRETS_FILE: AWS_PROFILE is not known"),
        ("AWS_ENDPOINT=http://a\nAWS_ENDPOINT_URL=http://b", "Duplicate key"),
        (f"AWS_ENDPOINT_URL={SECRET}", "AWS_ENDPOINT_URL: expected a URL such as http://127.0.0.1:9000"),
        (f"AWS_ENDPOINT=http://[{SECRET}", "AWS_ENDPOINT: expected a URL"),
        (f"AWS_ENDPOINT_URL_S3=https://{SECRET}@host", "AWS_ENDPOINT_URL_S3: expected a URL"),
    ],
)
def test_variables_that_do_not_fit_are_named_and_their_values_are_not(
    tmp_path: Path, line: str, told: str
) -> None:
    with pytest.raises(Unavailable) as refused:
        store(tmp_path, line)
    assert told in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "endpoint",
    ["https://s3.example.com", "http://localhost:7070", "https://[::1]:9000/", "http://s3_1/a-b/c"],
)
def test_an_endpoint_is_a_url(tmp_path: Path, endpoint: str) -> None:
    s3(tmp_path, endpoint)


async def test_a_panic_of_the_client_is_no_fault_of_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class RustPanic(Exception):
        pass

    async def panic(*_: object, **__: object) -> None:
        raise RustPanic(f"rust future panicked: {SECRET}")

    monkeypatch.setattr("obstore.put_async", panic)
    assert "it cannot be reached" in await refusal(s3(tmp_path, "http://127.0.0.1:1"))


def key_of(authorization: str) -> str:
    return authorization.partition("Credential=")[2].partition("/")[0]


def test_the_server_of_these_tests_says_its_last_word_again_and_again() -> None:
    answers = Answers([(500, ""), (200, "")])
    assert [answers.next()[0] for _ in range(3)] == [500, 200, 200]
