"""Finding workers by what people call them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from midi_ingest.commands.workers import workers
from midi_ingest.workers import UnknownWorker, available, find, find_all
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


@pytest.mark.parametrize("name", ["", "Render", "renderer", "route_failures", "my_worker", ":"])
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


def test_a_file_alone_is_answered_with_its_workers(file: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownWorker, match=rf"^Which of its workers\? {file}:own, {file}:impostor\.$"):
        find(str(file))
    (tmp_path / "none.py").write_text("X = 1")
    with pytest.raises(UnknownWorker, match=r"none\.py has no worker: decorate a function with @worker"):
        find(f"{tmp_path}/none.py")
    with pytest.raises(UnknownWorker, match=r"There is no file .*missing\.py"):
        find(f"{tmp_path}/missing.py")


def test_a_module_is_answered_with_how_its_worker_is_given() -> None:
    with pytest.raises(
        UnknownWorker, match=r"'mypkg\.rel:rel' names a module: .* mypkg/rel\.py:rel, or the name"
    ):
        find("mypkg.rel:rel")


def test_a_worker_may_not_be_called_like_a_built_in_one(file: Path) -> None:
    with pytest.raises(UnknownWorker, match="'render' like a built-in worker: rename it"):
        find(f"{file}:impostor")


def test_the_public_face_has_all_that_it_names() -> None:
    import midi_ingest  # noqa: PLC0415 - as a user's file does

    assert {"worker", "Score", "Reject"} <= set(midi_ingest.__all__)
    assert [name for name in midi_ingest.__all__ if not hasattr(midi_ingest, name)] == []


def test_a_file_may_import_its_neighbours_but_never_a_package_of_theirs_instead_of_ours(
    tmp_path: Path,
) -> None:
    for package in ("workers", "schemas"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise AssertionError('not this one')")
    (tmp_path / "its_neighbour_of_this_test.py").write_text("NAME = 'mine'")
    path = tmp_path / "own.py"
    path.write_text(
        "from its_neighbour_of_this_test import NAME\n"
        "import schemas.score, workers.settings\n"
        "from midi_ingest import Score, worker\n"
        "@worker(NAME, reads=Score)\n"
        "def own(score: Score) -> None: ...\n"
    )
    assert find(f"{path}:own").name == "mine"


def test_two_workers_of_one_name_do_not_run_in_one_process(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text(CUSTOM)
    with pytest.raises(UnknownWorker, match="are both called 'mine'"):
        find_all([f"{file}:own", f"{other}:own"])
    assert [w.name for w in find_all(["render", f"{file}:own", "render"])] == ["render", "mine"]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a package with entry points, as pip would."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(package: str, module: str, **points: str) -> None:
        info = site / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name.replace('_', '-')} = {package}:{attribute}\n" for name, attribute in points.items()]
        (info / "entry_points.txt").write_text("[midi_ingest.workers]\n" + "".join(lines))
        (site / f"{package}.py").write_text(module)
        monkeypatch.delitem(sys.modules, package, raising=False)

    return install


def test_an_installed_package_brings_workers_by_name(install: Callable[..., None]) -> None:
    install("custom_of_test", CUSTOM, mine="own")
    assert find("mine").name == "mine"
    assert [(one.name, one.origin) for one in available() if one.name == "mine"] == [
        ("mine", "custom_of_test 1.0")
    ]


def test_what_is_wrong_with_an_installed_worker_is_said_and_stops_no_other(
    install: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    install("wrong_of_test", CUSTOM, other_name="own", no_worker="plain", missing="nothing")
    install("broken_of_test", "import numpie", broken="own")
    install("impostor_of_test", CUSTOM, render="impostor")
    install("one_of_test", CUSTOM, mine="own")
    install("two_of_test", CUSTOM, mine="own")
    problems = {
        "other-name": "is called 'mine'",
        "no-worker": "is no function with @worker",
        "missing": "cannot be loaded:.*has no attribute 'nothing'",
        "broken": "cannot be loaded:.*No module named 'numpie'",
        "mine": "one_of_test 1.0 and two_of_test 1.0 bring a worker 'mine' each: uninstall one",
    }
    for name, problem in problems.items():
        with pytest.raises(UnknownWorker, match=f"(?s){problem}"):
            find(name)
    assert find("render") is BUILT_IN["render"]
    assert workers(output="json") == 1
    listed = json.loads(capsys.readouterr().out)
    assert {one["name"] for one in listed if one["problem"]} == {*problems, "render"}
    assert workers() == 1
    assert "'render', which is a built-in one: rename it there." in " ".join(capsys.readouterr().out.split())


def test_the_listing_tells_what_each_reads_writes_and_remembers(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert workers(f"{file}:own", output="json") == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert list(listed) == [*BUILT_IN, "mine"]
    assert listed["deduplicate"]["reads"] == ["midi.callbacks"]
    assert listed["deduplicate"]["writes"] == ["midi.tasks", "midi.outcomes", "midi.dead-letter.status"]
    assert (listed["mine"]["remembers"], listed["mine"]["from"]) == ("Memory", f"{file}:own")
    assert listed["mine"]["guarantee"] == "exactly-once"
    assert workers() == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in BUILT_IN)
