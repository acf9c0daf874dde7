"""Callbacks as each sender writes them."""

from __future__ import annotations

import json

from schemas.dialects import DIALECTS

SUNOAPI, KIE, ACEDATA = "sunoapi.org", "kie.ai", "acedata.cloud"
SENDERS = tuple(dialect.name for dialect in DIALECTS)

INSTRUMENTS: list[object] = [
    {"name": "Drums", "notes": [{"pitch": 36, "start": 0.5, "end": "1.25", "velocity": 1}]},
    {"name": "Synth Voice", "notes": []},
]


def success(sender: str, instruments: object = INSTRUMENTS, *, task_id: str = "a1") -> bytes:
    """A song that is complete."""
    song = {"state": "complete", "instruments": instruments}
    return encode(
        {
            SUNOAPI: {"task_id": task_id, "code": 200, "msg": "success", "data": song},
            KIE: {"code": 200, "msg": "success", "data": {"taskId": task_id, **song}},
            ACEDATA: {"success": True, "task_id": task_id, "trace_id": "7c", "data": [song]},
        }[sender]
    )


def failure(sender: str) -> bytes:
    """A task that failed, as task a1, with "no vocals" as the reason."""
    return encode(
        {
            SUNOAPI: {"task_id": "a1", "code": 500, "msg": "no vocals", "data": None},
            KIE: {"code": 500, "msg": "no vocals", "data": {"taskId": "a1"}},
            ACEDATA: {
                "success": False,
                "task_id": "a1",
                "trace_id": "7c",
                "error": {"code": "api_error", "message": "no vocals"},
            },
        }[sender]
    )


MIXTURES = {
    b'{"taskId": "a1", "code": 200, "data": {"instruments": []}}': SUNOAPI,
    b'{"task_id": "a1", "code": 200, "data": {"taskId": "a1", "instruments": []}}': SUNOAPI,
    b'{"taskId": "a1", "success": true, "code": 200, "data": {"state": "complete"}}': SUNOAPI,
    b'{"code": 200, "data": {"task_id": "a1", "instruments": []}}': KIE,
    b'{"success": true, "code": 200, "data": {"taskId": "a1", "instruments": null}}': KIE,
    b'{"success": true, "taskId": "a1", "data": {"state": "complete", "instruments": []}}': ACEDATA,
    b'{"success": true, "code": 200, "task_id": "a1", "data": [{"instruments": []}]}': ACEDATA,
    b'{"success": true, "data": [{"task_id": "a1", "state": "complete", "instruments": []}]}': ACEDATA,
}
"""Successes of task a1 without music that are partly as one sender writes and partly as another; how they are read."""


def encode(callback: object) -> bytes:
    """JSON as senders write it: without spaces."""
    return json.dumps(callback, separators=(",", ":")).encode()
