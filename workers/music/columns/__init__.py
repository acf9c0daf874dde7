"""The music of a long song: the same rules and bytes as note by note, on whole columns of notes (numpy).

One file for each step, in the order of the way: `decode`, `drops`, `ticks`, `overlaps`, `notes`, `events`. Nothing
outside of this package imports it before there is a long song: a process without one does without numpy.
"""
