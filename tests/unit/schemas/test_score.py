"""What a score says of each of its instruments."""

from __future__ import annotations

import msgspec
import orjson
import pytest

from schemas.score import LAST_TICK, Instrument, Note, Score
from workers.music.columns.notes import Notes, columns_of
from workers.music.score_record import ScoreRecord

NOTES = [Note(0, 5, 64, 1), Note(5, 10, 3, 90), Note(9, 12, 127, 2)]


def score_of(instrument: Instrument) -> Score:
    return Score(task_id="a1", duration=12, warnings=[], instruments=[instrument])


def written(instrument: Instrument) -> dict[str, object]:
    read: dict[str, object] = orjson.loads(score_of(instrument).encode())["instruments"][0]
    return {field: read[field] for field in ("note_count", "lowest", "highest")}


@pytest.mark.parametrize("held", [NOTES, Notes(columns_of(NOTES))], ids=["one by one", "in columns"])
def test_an_instrument_carries_its_count_and_its_range(held: list[Note]) -> None:
    instrument = Instrument("Harp", 46, False, 1, 1, held)
    assert (instrument.note_count, instrument.lowest, instrument.highest) == (3, 3, 127)
    assert written(instrument) == {"note_count": 3, "lowest": 3, "highest": 127}


@pytest.mark.parametrize("held", [[], Notes(columns_of([]))], ids=["one by one", "in columns"])
def test_one_without_notes_has_no_range(held: list[Note]) -> None:
    assert written(Instrument("Harp", 46, False, None, 1, held)) == {
        "note_count": 0,
        "lowest": None,
        "highest": None,
    }


def test_a_copy_with_other_notes_counts_those() -> None:
    copied = msgspec.structs.replace(Instrument("Harp", 46, False, 1, 1, NOTES), notes=NOTES[:1])
    assert written(copied) == {"note_count": 1, "lowest": 64, "highest": 64}


@pytest.mark.parametrize("kind", [Score, ScoreRecord])
@pytest.mark.parametrize("count", [1, 900], ids=["short", "long"])
def test_no_tick_is_beyond_the_longest_gap_of_a_file(kind: type[Score], count: int) -> None:
    last = [Note(LAST_TICK - 1, LAST_TICK, 60, 1)]
    others = [Note(tick, tick + 1, 61, 1) for tick in range(count)]
    score = score_of(Instrument("Harp", 46, False, 1, 1, others + last))
    assert kind.decode(score.encode()).instruments[0].notes == others + last
    with pytest.raises(msgspec.ValidationError, match=str(LAST_TICK)):
        kind.decode(score.encode().replace(f"{LAST_TICK},60".encode(), f"{LAST_TICK + 1},60".encode()))


@pytest.mark.parametrize("kind", [Score, ScoreRecord])
@pytest.mark.parametrize("count", [3, 900], ids=["short", "long"])
def test_a_record_from_before_there_were_counts_is_counted(kind: type[Score], count: int) -> None:
    notes = [Note(tick, tick + 1, 60 + tick % 3, 100) for tick in range(count)]
    record = orjson.loads(score_of(Instrument("Harp", 46, False, 1, 1, notes)).encode())
    for field in ("note_count", "lowest", "highest"):
        del record["instruments"][0][field]
    [instrument] = kind.decode(orjson.dumps(record)).instruments
    assert (instrument.note_count, instrument.lowest, instrument.highest) == (count, 60, 62)


@pytest.mark.parametrize("lie", [{"note_count": 7}, {"lowest": 1}, {"highest": None}])
def test_a_record_whose_counts_are_wrong_is_counted(lie: dict[str, int | None]) -> None:
    instrument = Instrument("Harp", 46, False, 1, 1, NOTES)
    record = orjson.loads(score_of(instrument).encode())
    record["instruments"][0] |= lie
    assert Score.decode(orjson.dumps(record)) == score_of(instrument)
