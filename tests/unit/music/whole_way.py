"""The whole way of a body: score, record, file; and that both ways of the music go it alike."""

from __future__ import annotations

from schemas.dialects import AUTO
from tests.heard import tracks_of
from tests.smf_checker import check
from tests.unit.music.soundness import assert_sound
from tests.unit.music.ways import by_columns, note_by_note
from workers.music import smf
from workers.music.errors import InvalidPayload, TooLarge
from workers.music.normalize import normalize
from workers.music.score_record import ScoreRecord

Outcome = tuple[bytes, bytes] | str
"""The score's record and the file; or the refusal, as text."""


def both_ways(body: bytes, dialect: str = AUTO) -> Outcome:
    """What becomes of a body, which is the same by columns and note by note; it raises nothing but the two refusals."""
    with by_columns():
        columns = _whole_way(body, dialect)
    with note_by_note():
        assert columns == _whole_way(body, dialect)
    return columns


def _whole_way(body: bytes, dialect: str) -> Outcome:
    try:
        score = normalize(body, "a-task", dialect=dialect)
    except (InvalidPayload, TooLarge) as refusal:
        return f"{type(refusal).__name__}: {refusal}"
    assert_sound(score)
    record = ScoreRecord.of(score).encode()
    assert len(record) <= len(body) + 150 * len(score.instruments) + 100 * len(score.warnings) + 100
    read = ScoreRecord.decode(record)
    assert read.encode() == record
    file = smf.render(score)
    assert smf.render(read) == file
    assert check(file).tracks == tracks_of(score)
    return record, file
