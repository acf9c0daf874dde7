"""What holds of every score, whatever body it was made of."""

from __future__ import annotations

from itertools import pairwise

from schemas.score import Instrument, Score


def assert_sound(score: Score) -> None:
    """That all is in range and in order, and that no pitch of a track sounds twice at once."""
    for instrument in score.instruments:
        assert instrument.notes == sorted(instrument.notes, key=lambda heard: (heard.start, heard.pitch))
        assert all(0 <= heard.start < heard.end for heard in instrument.notes)
        assert all(0 <= heard.pitch <= 127 and 1 <= heard.velocity <= 127 for heard in instrument.notes)
        assert 0 <= instrument.program <= 127
        assert not (instrument.notes and instrument.channel is None)
        assert instrument.channel is None or (instrument.channel == 10) == instrument.drums
    channels = {instrument.channel for instrument in score.instruments} - {None}
    assert channels <= set(range(1, 17))
    assert len({warning.code for warning in score.warnings}) == len(score.warnings)
    assert all(warning.count > 0 for warning in score.warnings)
    assert score.duration == max((n.end for i in score.instruments for n in i.notes), default=0)
    _assert_tracks_are_sound(score)


def _assert_tracks_are_sound(score: Score) -> None:
    tracks: dict[int, list[Instrument]] = {}
    for instrument in score.instruments:
        tracks.setdefault(instrument.track, []).append(instrument)
    assert list(tracks) == list(range(1, len(tracks) + 1))
    for members in tracks.values():
        assert len({(member.channel, member.program) for member in members}) == 1
        ordered = sorted((n.pitch, n.start, n.end) for member in members for n in member.notes)
        for (pitch, start, end), (next_pitch, next_start, _) in pairwise(ordered):
            assert pitch != next_pitch or start < next_start >= end
