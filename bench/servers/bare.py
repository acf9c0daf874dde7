"""The least that a server can do: reads the body and answers 200. Nothing is kept.

``python -m bench.servers.bare PORT [asyncio]``: on uvloop, or on asyncio's own loop, as `run_app` does by default.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web

from bench.load import HOST, PATH

_MAX_BODY_BYTES = 8 * 1024 * 1024


async def receive(request: web.Request) -> web.Response:
    """Read the body and answer."""
    await request.read()
    return web.Response(body=b'{"status":"received"}', content_type="application/json")


async def ready(_: web.Request) -> web.Response:
    """Say that requests are answered."""
    return web.Response()


def main() -> None:
    """Serve until SIGTERM."""
    app = web.Application(client_max_size=_MAX_BODY_BYTES)
    app.add_routes([web.post(PATH, receive), web.get("/readyz", ready)])
    loop = asyncio.new_event_loop() if sys.argv[2:] == ["asyncio"] else uvloop.new_event_loop()
    web.run_app(app, host=HOST, port=int(sys.argv[1]), access_log=None, print=None, loop=loop)


if __name__ == "__main__":
    main()
