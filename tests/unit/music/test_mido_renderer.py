"""mido keeps the charset of the file that it writes in a global of its own."""

from __future__ import annotations

from io import BytesIO
from threading import Event, Thread, current_thread
from typing import Any
from unittest.mock import patch

from schemas.score import Instrument, Score
from workers.music import mido_renderer, smf

PIANO = Score(task_id="t1", duration=0, warnings=[], instruments=[Instrument("鋼琴", 0, False, None, 1, [])])


def test_a_file_is_written_as_ever_while_another_thread_comes_to_the_end_of_one() -> None:
    other = Thread(target=mido_renderer.render, args=(PIANO,))
    other_writes, both_write = Event(), Event()

    class Meeting(BytesIO):
        def write(self, data: Any, /) -> int:
            if current_thread() is not other:
                both_write.set()
                other.join()
            elif not other_writes.is_set():
                other_writes.set()
                both_write.wait(0.2)  # in vain, where only one of them writes at a time
            return super().write(data)

    with patch.object(mido_renderer, "BytesIO", Meeting):
        other.start()
        other_writes.wait()
        assert mido_renderer.render(PIANO) == smf.render(PIANO)
