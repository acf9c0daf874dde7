"""A real S3 server, moto's, and a bad connection to it.

What is in it is read with boto3, another client than the one under test.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto import settings as moto_settings
from moto.server import ThreadedMotoServer

from broker.embedded.ports import free_port

REGION = "us-east-1"
BUCKET = "midi"


class S3Server:
    """It serves in this process; what it has stays while it is stopped."""

    def __init__(self) -> None:
        self.port = free_port()
        self._server: ThreadedMotoServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def make_bucket(self) -> None:
        self._client("s3").create_bucket(Bucket=BUCKET)

    def delete_bucket(self) -> None:
        """With all that is in it."""
        for key in self.objects():
            self._client("s3").delete_object(Bucket=BUCKET, Key=key)
        self._client("s3").delete_bucket(Bucket=BUCKET)

    def objects(self) -> dict[str, tuple[bytes, str]]:
        """The content and the content type of each object, by its key."""
        client, found = self._client("s3"), {}
        for listed in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            got = client.get_object(Bucket=BUCKET, Key=listed["Key"])
            found[listed["Key"]] = (got["Body"].read(), got["ContentType"])
        return found

    def make_user(self, policy: Mapping[str, Any]) -> tuple[str, str]:
        """A user who may do what a policy says; its key's id, and the secret."""
        iam = self._client("iam")
        with contextlib.suppress(ClientError):  # there is one already
            iam.create_user(UserName="store")
        iam.put_user_policy(UserName="store", PolicyName="store", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName="store")["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    @contextlib.contextmanager
    def checking(self) -> Iterator[None]:
        """Check signatures and policies meanwhile, which moto else does not."""
        before = moto_settings.INITIAL_NO_AUTH_ACTION_COUNT
        moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
        try:
            yield
        finally:
            moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = before

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="operator",
            aws_secret_access_key="operator",  # noqa: S106 - moto takes any
        )


class BadConnection:
    """Passes connections on to a port, as badly as it is told to."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.port = 0
        self.answers = asyncio.Event()
        """While it is not set, what the server answers stays on its way."""
        self.answers.set()
        self.cut_after_bytes: int | None = None
        """Each connection is cut after so many bytes."""
        self.cut = 0
        """How many were."""
        self._open: set[asyncio.StreamWriter] = set()

    def reset(self) -> None:
        """Cut all connections that are open: what is set holds for new ones."""
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there, forth = await asyncio.open_connection("127.0.0.1", self._to)
            self._open |= {back, forth}
            try:
                async with asyncio.TaskGroup() as pumps:
                    pumps.create_task(self._requests(here, forth, back))
                    pumps.create_task(self._answers(there, back))
            except* OSError:
                pass
            finally:
                self._open -= {back, forth}
                forth.close()
        back.close()

    async def _requests(
        self, here: asyncio.StreamReader, forth: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        passed = 0
        while chunk := await here.read(16384):
            passed += len(chunk)
            forth.write(chunk)
            await forth.drain()
            if self.cut_after_bytes is not None and passed > self.cut_after_bytes:
                self.cut += 1
                back.transport.abort()
                break
        forth.close()

    async def _answers(self, there: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while chunk := await there.read(16384):
            await self.answers.wait()
            back.write(chunk)
            await back.drain()
        back.close()


@asynccontextmanager
async def bad_connection(port: int) -> AsyncIterator[BadConnection]:
    """Run one to a port of this machine; it is good until it is told otherwise."""
    connection = BadConnection(port)
    async with await asyncio.start_server(connection.serve, "127.0.0.1", 0) as server:
        connection.port = server.sockets[0].getsockname()[1]
        yield connection
        connection.answers.set()
        connection.reset()
