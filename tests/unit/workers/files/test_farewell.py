"""A process may end at any moment, also in the midst of a PUT, and ends as it should."""

from __future__ import annotations

import asyncio
import os
import socket
import sys

PUT = """
import asyncio, sys, threading
from workers.files.object_store import ObjectStore
from workers.files.place import Bucket
from workers.runtime import loop

files = ObjectStore(Bucket("s3", "midi", ""), None, 5)

async def put():
    await asyncio.gather(*(files.write(f"tasks/{n}/song.mid", b"x", "audio/midi") for n in range(16)))

thread = threading.Thread(target=lambda: loop.run(put()), daemon=True)
threading.excepthook = lambda _: None
thread.start()
thread.join(float(sys.argv[1]))
"""
TIMES = 3


async def _ends(endpoint: str, after_seconds: float) -> tuple[int | None, bytes]:
    variables = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "none"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PUT, str(after_seconds)),
        env={**os.environ, **variables},
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate()
    return process.returncode, told


async def test_right_after_puts_have_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert await asyncio.gather(*(_ends(endpoint, 10) for _ in range(TIMES))) == [(0, b"")] * TIMES


async def test_while_puts_are_under_way() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert await asyncio.gather(*(_ends(endpoint, 0.3) for _ in range(TIMES))) == [(0, b"")] * TIMES
