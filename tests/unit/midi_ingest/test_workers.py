"""Finding workers by what people call them."""

from __future__ import annotations

from pathlib import Path

import pytest

from midi_ingest.workers import UnknownWorker, find
from schemas.score import Score
from workers.catalogue import BUILT_IN
from workers.runtime.api import Worker

CUSTOM = """
from __future__ import annotations
from midi_ingest import Context, Dropped, Score, State, worker
import msgspec

class Memory(msgspec.Struct):
    times: int

@worker("mine", reads=Score)
def own(score: Score, context: Context, state: State[Memory]) -> Dropped:
    return Dropped(score.task_id)

@worker("render", reads=Score)
def impostor(score: Score) -> None:
    pass

def plain(score: Score) -> None:
    pass
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my:worker.py"
    path.write_text(CUSTOM)
    return path


def test_the_catalogue_has_the_five_workers_in_the_order_in_which_a_callback_meets_them() -> None:
    assert list(BUILT_IN) == ["deduplicate", "normalize", "render", "store", "route-failures"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_worker_is_found_by_its_name(name: str) -> None:
    assert find(name) is BUILT_IN[name]
    assert find(name).name == name


def test_a_worker_of_ones_own_is_found_in_its_file(file: Path) -> None:
    found = find(f"{file}:own")
    assert isinstance(found, Worker)
    assert (found.name, found.sources) == ("mine", [Score.topic])
    assert found.state_type is not None
    assert found.state_type.__name__ == "Memory"


def test_the_example_is_a_worker() -> None:
    example = Path(__file__).parents[3] / "examples" / "loudest_note.py"
    assert find(f"{example}:loudest").name == "loudest-note"


@pytest.mark.parametrize(
    "name", ["", "Render", "renderer", "route_failures", "my_worker", "my_worker.py", ":"]
)
def test_an_unknown_name_says_which_there_are(name: str) -> None:
    with pytest.raises(UnknownWorker, match=r"deduplicate, normalize, .*path/to/file\.py:name"):
        find(name)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownWorker, match=r"There is no file .*missing\.py"):
        find(f"{tmp_path}/missing.py:own")


@pytest.mark.parametrize("name", ["missing", "plain", "Memory", ""])
def test_what_is_no_worker_in_a_file_says_how_to_make_one(file: Path, name: str) -> None:
    with pytest.raises(UnknownWorker, match=rf"no worker '{name}': decorate .* @worker"):
        find(f"{file}:{name}")


def test_a_worker_may_not_be_called_like_a_built_in_one(file: Path) -> None:
    with pytest.raises(UnknownWorker, match="'render' like a built-in worker: rename it"):
        find(f"{file}:impostor")


def test_the_public_face_has_all_that_it_names() -> None:
    import midi_ingest  # noqa: PLC0415 - as a user's file does

    assert {"worker", "Score", "Reject"} <= set(midi_ingest.__all__)
    assert [name for name in midi_ingest.__all__ if not hasattr(midi_ingest, name)] == []
