"""The built-in workers, by name, in the order in which a callback meets them."""

from __future__ import annotations

from typing import Final

from workers.deduplicate import deduplicate
from workers.normalize import normalize
from workers.render import render
from workers.route_failures import route_failures
from workers.runtime.api import Worker
from workers.store import store

BUILT_IN: Final[dict[str, Worker]] = {
    worker.name: worker for worker in (deduplicate, normalize, render, store, route_failures)
}
