"""Bodies that someone might send to take time or memory, each of any size."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from itertools import count
from typing import Final

from schemas.dialects.depth import MAX_CONTAINERS
from workers.music.body import MAX_INSTRUMENTS

Body = Callable[[int], str]
"""Makes a body of at most so many bytes."""

_ODD_NOTES: Final = (
    "7",
    '{"pitch":true,"start":0,"end":1}',
    '{"pitch":60.5,"start":0,"end":1,"velocity":1}',
    '{"pitch":128,"start":0,"end":1,"velocity":1}',
    '{"pitch":60,"start":90000,"end":90000,"velocity":1}',
    '{"pitch":60,"start":2,"end":1,"velocity":1}',
    '{"pitch":60,"start":0,"end":1,"velocity":0}',
    '{"pitch":60,"start":-1,"end":1,"velocity":90}',
    '{"pitch":60,"start":1,"end":1,"velocity":1}',
    '{"pitch":"60","start":" 1.5","end":"2","velocity":[]}',
)
_OVERFLOW: Final = "[1e400]"
"""What orjson refuses: note by note, the body is read by `json`."""


def _song(instruments: str, more: str = "null") -> str:
    return f'{{"task_id":"t","code":200,"msg":{more},"data":{{"instruments":{instruments}}}}}'


def _filled(element: Callable[[int], str], most_bytes: int) -> str:
    """As many elements as there is room for, with commas between."""
    elements, size = list[str](), 0
    for number in count():
        size += len((made := element(number)).encode()) + 1
        if size > most_bytes:
            return ",".join(elements)
        elements.append(made)
    raise AssertionError


def _notes(note: Callable[[int], str], more: str = "null") -> Body:
    """One instrument with as many notes as there is room for."""
    return lambda size: _song(f'[{{"name":"Violin","notes":[{_filled(note, size - 200)}]}}]', more)


def _instruments(notes: Callable[[int], str]) -> Body:
    def body(size: int) -> str:
        room = size // MAX_INSTRUMENTS - 60
        each = (
            f'{{"name":"{name:08x}","notes":[{_filled(notes, room)}]}}' for name in range(MAX_INSTRUMENTS)
        )
        return _song(f"[{','.join(each)}]")

    return body


def _name(text: str, more: str = "null") -> Body:
    """One note of an instrument whose name is this text again and again, after a character beyond Latin-1."""
    note = '{"pitch":60,"start":0,"end":1}'
    return lambda size: _song(
        f'[{{"name":"😀{text * ((size - 250) // len(text.encode()))}","notes":[{note}]}}]', more
    )


def _start(text: str) -> Body:
    """One note whose start is this text as often as there is room for, and then what is no digit."""
    return lambda size: _song(
        f'[{{"notes":[{{"pitch":60,"start":"{text * ((size - 200) // len(text))}x","end":1}}]}}]'
    )


def _elsewhere(element: Callable[[int], str]) -> Body:
    """No notes, but as many other things; note by note, they are read by `json`, in four bytes a character."""
    return lambda size: _song("[]", f'[{_filled(element, size - 200)},"😀",{_OVERFLOW}]')


def _fields(most_bytes: int) -> str:
    return "{" + _filled(lambda number: f'"{number:x}":0', most_bytes) + "}"


def _objects_and_fields(size: int) -> str:
    """As many objects of one field as there may be, then the fields of one more; no two of one name."""
    names = map(_three_letters, range(min(MAX_CONTAINERS - 6, (size - 300) // len('{"abc":0},'))))
    objects = ",".join(f'{{"{name}":0}}' for name in names)
    return _song("[]", f'[{objects},{_fields(size - 300 - len(objects))},"😀",{_OVERFLOW}]')


def _one_in_another(number: int) -> str:
    """60 objects, each the only field of the one around it, and of a name of its own."""
    names = map(_three_letters, range(60 * number, 60 * (number + 1)))
    return "".join(f'{{"{name}":' for name in names) + "0" + "}" * 60


def _three_letters(number: int) -> str:
    """Others for each number below `MAX_CONTAINERS`."""
    return b64encode((number % MAX_CONTAINERS).to_bytes(3))[1:].decode()


HOSTILE: Final[Mapping[str, Body]] = {
    "notes at one tick, of one pitch": _notes(lambda _: '{"pitch":60,"start":0,"end":1,"velocity":1}'),
    "notes that all overlap": _notes(lambda n: f'{{"pitch":60,"start":{n / 960:.4f},"end":86400}}'),
    "notes that overlap, shuffled": _notes(
        lambda n: f'{{"pitch":{n % 128},"start":{n * 7919 % 86400:5},"end":86400}}', _OVERFLOW
    ),
    "notes that are odd in every way": _notes(lambda n: _ODD_NOTES[n % len(_ODD_NOTES)]),
    "notes as short as they can be": _notes(lambda _: '{"pitch":1,"start":0,"end":1}'),
    "empty notes": _notes(lambda _: "{}"),
    "arrays as notes": _notes(lambda _: "[]"),
    "digits as notes": _notes(lambda _: "1"),
    "notes in 1,024 instruments": _instruments(
        lambda n: f'{{"pitch":{n % 128},"start":{n},"end":99,"velocity":1}}'
    ),
    "numbers of 4,000 digits": _notes(lambda _: '{"pitch":60,"start":0,"end":' + "1" * 4000 + "}"),
    "strings of 4,000 digits": _notes(lambda _: '{"pitch":60,"end":" 1","start":"0.' + "1" * 4000 + '"}'),
    "exponents of nine digits": _notes(lambda _: '{"pitch":1,"start":0,"end":1e999999999}'),
    "a number of all digits": _start("1"),
    "a number of all spaces": _start(" "),
    "a name of all words": _name("a "),
    "a name of all letters": _name("a"),
    "a name that grows in lower case": _name("İ"),
    "a name of all escapes": _name("\\\\", _OVERFLOW),
    "a name of all surrogate pairs": _name("\\ud83d\\ude00", _OVERFLOW),
    "a name of half surrogate pairs": _name("\\\\", '"\\ud800"'),
    "a name that does not end": lambda size: '{"data":"' + '\\"' * ((size - 9) // 2),
    "fields of other names": lambda size: _song("[]", f"[{_fields(size - 200)},{_OVERFLOW}]"),
    "short strings elsewhere": _elsewhere(lambda n: f'"{n % 0xFFF:x}"'),
    "objects of one field, and fields": _objects_and_fields,
    "objects of one field in each other": _elsewhere(_one_in_another),
    "objects elsewhere": _elsewhere(lambda _: '{"":[]}'),
    "nested arrays elsewhere": _elsewhere(lambda _: "[" * 60 + "]" * 60),
    "nesting without an end": lambda size: "[" * size,
    "spaces": lambda size: _song(" " * (size - 200) + "[]"),
}
