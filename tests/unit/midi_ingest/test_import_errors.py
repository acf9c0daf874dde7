"""Of a worker's file that cannot be imported, what is wrong in it is told, and not how we got there."""

from __future__ import annotations

from pathlib import Path

import pytest

from midi_ingest.workers import UnknownWorker, find


def refusal(path: Path, text: str) -> str:
    """What is said of a file with this text."""
    path.write_text(text)
    with pytest.raises(UnknownWorker) as caught:
        find(f"{path}:own")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def inner():\n    import numpie\ninner()", [", line 2, in inner", "No module named 'numpie'"]),
        ("def broken(:", ["line 1", "SyntaxError"]),
        ("1 / 0", ["line 1, in <module>", "    1 / 0\n", "ZeroDivisionError"]),
        ("import json\njson.loads('[')", ["line 2, in <module>", "    json.loads('[')", "JSONDecodeError"]),
        (
            "from midi_ingest import Score\nScore.decode(b'[')",
            ["line 2, in <module>", "    Score.decode(b'[')", "ValidationError"],
        ),
    ],
)
def test_a_file_that_cannot_be_imported_shows_its_own_lines_and_neither_ours_nor_those_of_libraries(
    tmp_path: Path, text: str, told: list[str]
) -> None:
    path = tmp_path / "broken.py"
    said = refusal(path, text)
    assert f"{path} cannot be imported:\n  File " in said
    for part in told:
        assert part in said
    files = [line for line in said.splitlines() if line.startswith("  File ")]
    assert all(line.startswith(f'  File "{path}", line ') for line in files)


HEAD = "from midi_ingest import Message, Score, Topic, worker\nclass Out(Message, topic='outs'): n: int\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "@worker('Bad', reads=Score)\ndef own(s: Score): ...",
            "3: a worker's name has up to 100 lower case",
        ),
        (
            "@worker('q', reads='scores')\ndef own(s): ...",
            "3: q: reads= is a Message class, a Topic, or a tuple",
        ),
        (
            "@worker('q', reads=Score)\ndef own(s: Score) -> Out: ...",
            "3: q: own returns Out, which `writes=` does",
        ),
        (
            "@worker('q', reads=Score)\ndef own(o: Out): ...",
            "3: own gets Score by what its worker reads, but",
        ),
        ("class Q(Message, topic='a b'): n: int", "3: a topic's name has 1 to 169 of"),
    ],
)
def test_what_is_refused_of_what_a_file_says_is_one_line_with_its_place(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "wrong.py"
    said = refusal(path, HEAD + text)
    assert said.startswith(f"{path} cannot be imported: {path}:{told}")
    assert "\n" not in said


def test_the_place_is_told_as_one_would_type_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = refusal(Path("here.py"), "from midi_ingest import Topic\nTopic('')")
    assert said.startswith("here.py cannot be imported: here.py:2: a topic's name has")


@pytest.mark.parametrize("text", ["from . import helper", "from .helper import X"])
def test_a_relative_import_is_told_to_need_an_entry_point(tmp_path: Path, text: str) -> None:
    (tmp_path / "helper.py").write_text("X = 1")
    said = refusal(tmp_path / "relative.py", text)
    assert f"{tmp_path}/relative.py:1: attempted relative import with no known parent package. A file" in said
    assert (
        "let it import absolutely, or install the package and give the name of an entry point (docs/" in said
    )


@pytest.mark.parametrize("text", ["from workers.helper import X", "from workers import helper"])
def test_an_import_from_a_folder_called_like_a_package_of_ours_is_told_to_need_another_name(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "helper.py").write_text("X = 1")
    said = refusal(tmp_path / "shadowed.py", text)
    assert f"{tmp_path}/shadowed.py:1: " in said
    assert (
        "The package 'workers' is midi-ingest's own, and a folder of yours that is called so cannot be"
        in said
    )
    assert said.endswith("give it another name")


def test_a_name_that_is_wrong_in_a_module_of_ours_is_shown_as_what_it_is(tmp_path: Path) -> None:
    assert "another name" not in refusal(tmp_path / "scor.py", "from schemas.score import Scor")
