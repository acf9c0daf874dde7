"""Makes a score of a completed task's body: notes in ticks, repaired where they must be, on their channels."""

from __future__ import annotations

from schemas import headers as h
from schemas import reasons
from schemas.callback import Task
from workers.music import normalize as music
from workers.music.errors import InvalidPayload, TooLarge
from workers.music.score_record import ScoreRecord
from workers.runtime.api import Context, Reject, worker


@worker("normalize", reads=Task, writes=ScoreRecord)
def normalize(task: Task, context: Context) -> ScoreRecord:
    """The score in a task's body."""
    names, dialect = context.settings.instrument_names, context.headers[h.DIALECT]
    try:
        score = music.normalize(task.body, context.key, names, dialect=dialect)
    except InvalidPayload as error:
        raise Reject(reasons.INVALID_PAYLOAD, str(error)) from error
    except TooLarge as error:
        raise Reject(reasons.TOO_LARGE, str(error)) from error
    return ScoreRecord.of(score)
