"""I/O: posts each outcome to a URL, several at once, until the server has it.

export OUTCOMES_URL=https://example.org/outcomes
midi-ingest topics apply --worker examples/post_outcomes.py:post
midi-ingest worker examples/post_outcomes.py:post

What is posted cannot be taken back: after a crash an outcome may come twice, with the same `ce-id`. So at-least-once
costs nothing, and saves a worker that writes nothing its transactions.
"""

import os
from datetime import timedelta

import aiohttp

from midi_ingest import Context, Outcome, Reject, Retry, Unavailable, worker

TIMEOUT = aiohttp.ClientTimeout(total=10)


@worker("post-outcomes", reads=Outcome, guarantee="at-least-once", concurrency=8)
async def post(outcome: Outcome, context: Context) -> None:
    """Post one outcome as JSON."""
    headers = {"content-type": "application/json", "ce-id": context.headers["ce_id"], "ce-type": outcome.kind}
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.post(os.environ["OUTCOMES_URL"], data=context.value, headers=headers) as response,
        ):
            status, retry_after = response.status, response.headers.get("Retry-After", "")
    except (aiohttp.ClientConnectionError, TimeoutError) as error:
        raise Unavailable(f"The server does not answer: {type(error).__name__}.") from error
    if status == 429:
        seconds = int(retry_after) if retry_after.isdecimal() else 1
        raise Retry("Too many at once.", after=timedelta(seconds=seconds))
    if status >= 500:
        raise Unavailable(f"The server answers {status}.")
    if status >= 400:
        raise Reject("refused", f"The server answers {status}.")
    context.log.info("outcome posted", status=outcome.status)
