"""What one writes in an afternoon: `json.loads`, then `send_and_wait` with ``acks=all``. It keeps what it answers.

``python -m bench.servers.naive PORT BOOTSTRAP_SERVERS TOPIC``
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator

import uvloop
from aiohttp import web
from aiokafka import AIOKafkaProducer

from bench.load import HOST, PATH

_MAX_BODY_BYTES = 8 * 1024 * 1024
_PRODUCER = web.AppKey("producer", AIOKafkaProducer)
_TOPIC = web.AppKey("topic", str)


async def receive(request: web.Request) -> web.Response:
    """Publish the body under its task id and answer."""
    body = await request.read()
    callback = json.loads(body)
    key = callback["task_id"].encode()
    await request.app[_PRODUCER].send_and_wait(request.app[_TOPIC], body, key=key)
    return web.json_response({"status": "received"})


async def ready(_: web.Request) -> web.Response:
    """Say that requests are answered: the producer has started before."""
    return web.Response()


async def producing(app: web.Application) -> AsyncIterator[None]:
    """Keep a producer while the server runs."""
    producer = AIOKafkaProducer(
        bootstrap_servers=sys.argv[2], acks="all", max_request_size=2 * _MAX_BODY_BYTES
    )
    await producer.start()
    app[_PRODUCER], app[_TOPIC] = producer, sys.argv[3]
    yield
    await producer.stop()


def main() -> None:
    """Serve until SIGTERM."""
    app = web.Application(client_max_size=_MAX_BODY_BYTES)
    app.cleanup_ctx.append(producing)
    app.add_routes([web.post(PATH, receive), web.get("/readyz", ready)])
    loop = uvloop.new_event_loop()
    web.run_app(app, host=HOST, port=int(sys.argv[1]), access_log=None, print=None, loop=loop)


if __name__ == "__main__":
    main()
