"""Calls a worker's function, in whichever way it takes its records; what it raises costs only the record in work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from schemas.message import Message
from telemetry.tracer import Step
from workers.runtime import loop
from workers.runtime.api import Context, Output, Raw, Result, Unavailable, Worker
from workers.runtime.expectations import kind_of
from workers.runtime.record import Record
from workers.runtime.state import KeyState


@dataclass(slots=True)
class Work:
    """A record in work: what the function takes of it; then what it returned, or the error that was raised.

    ``carried`` are the headers of what follows from it, ``step`` is its span where its trace is sampled.
    """

    record: Record
    carried: Mapping[str, str]
    message: Message | Raw | None = None
    context: Context | None = None
    state: KeyState | None = None
    outputs: Sequence[Output] = ()
    error: Exception | None = None
    step: Step | None = None


def runs(worker: Worker, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """The records in their order, divided into those that may be in work at once.

    Where one record may depend on what another one changes, they are not: two of one key never meet in a worker that
    remembers anything, nor in one that works on several at once.
    """
    together = worker.signature.together
    most = len(records) if together else worker.concurrency
    if most <= 1:
        yield from ([record] for record in records)
        return
    apart = worker.state_type is not None or not together
    run: list[Record] = []
    keys: set[bytes | None] = set()
    for record in records:
        if len(run) == most or (apart and record.key in keys):
            yield run
            run, keys = [], set()
        run.append(record)
        keys.add(record.key)
    if run:
        yield run


def call(worker: Worker, works: Sequence[Work]) -> None:
    """Call the function for the records of a run."""
    if worker.signature.together:
        _call_together(worker, works)
    elif worker.signature.asynchronous:
        loop.run(_call_at_once(worker, works))
    else:
        for work in works:
            _call_one(worker, work)


def _call_one(worker: Worker, work: Work) -> None:
    try:
        work.outputs = listed(worker(work.message, **_parameters(worker, work)))
    except Exception as error:  # noqa: BLE001 - whatever a worker raises costs only the record in work
        work.error = error


async def _call_at_once(worker: Worker, works: Sequence[Work]) -> None:
    await asyncio.gather(*(_await_one(worker, work) for work in works))


async def _await_one(worker: Worker, work: Work) -> None:
    try:
        work.outputs = listed(await worker(work.message, **_parameters(worker, work)))
    except asyncio.CancelledError:
        work.error = RuntimeError(f"{worker.name} cancelled itself")
    except Exception as error:  # noqa: BLE001 - whatever a worker raises costs only the record in work
        work.error = error


def _call_together(worker: Worker, works: Sequence[Work]) -> None:
    """Call the function for all; if that fails, for one after the other, so that each fails for itself only."""
    if not works:
        return
    try:
        for work, outputs in zip(works, _results(worker, works), strict=True):
            work.outputs = outputs
    except Unavailable as unavailable:
        works[0].error = unavailable
    except Exception as error:  # noqa: BLE001 - whatever a worker raises costs only the record in work
        if len(works) == 1:
            works[0].error = error
            return
        for work in works:
            if work.state:
                work.state.forget_change()
            _call_together(worker, [work])


def _results(worker: Worker, works: Sequence[Work]) -> list[list[Output]]:
    read = worker.signature
    parameters: dict[str, list[Any]] = {}
    if read.context:
        parameters[read.context] = [work.context for work in works]
    if read.state:
        parameters[read.state] = [work.state for work in works]
    returned = worker([work.message for work in works], **parameters)
    returned = loop.run(returned) if read.asynchronous else returned
    if not isinstance(returned, Iterable):
        raise TypeError(f"{worker.name} returned {kind_of(returned)} for a list of records: return a list")
    results = list(returned)
    if len(results) != len(works):
        raise TypeError(
            f"{worker.name} returned {len(results)} results for {len(works)} records: one for each"
        )
    return [listed(result) for result in results]


def _parameters(worker: Worker, work: Work) -> dict[str, Any]:
    read = worker.signature
    parameters: dict[str, Any] = {}
    if read.context:
        parameters[read.context] = work.context
    if read.state:
        parameters[read.state] = work.state
    return parameters


def listed(result: Result) -> list[Output]:
    """What was returned, as a list."""
    if isinstance(result, Message):
        return [result]
    if result is None:
        return []
    if isinstance(result, Iterable) and not isinstance(result, (str, bytes, Mapping)):
        return list(result)
    return [cast("Output", result)]  # what is none is refused as what it is
