"""The music of a long song: the rules and the bytes of the files beside this package, on columns of notes (numpy).

`received` has a song's columns, `drops`, `ticks` and `overlaps` are the rules, `song` calls one after the other,
`notes` are what a score then has, and `events` writes them. Nothing imports them before there is a long song: a
process without one does without numpy.
"""
