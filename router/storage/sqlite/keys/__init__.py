"""Which segments hold events of an id, without looking at each: directories, each of some segments in a row.

    stream       ▒▒▒▒▒▒▒▒ ▒▒▒▒▒▒▒▒ ▒▒▒▒▒▒▒▒ ▒▒▒        segments, the newest on the right
    directories  [──────] [──────] [──────]            one for each `SEGMENTS` of them

    directory.py   how one is laid out and asked         keeper.py   makes them, behind the commits
    searching.py   one bounded look: directories, and the columns of the newest segments, which have none yet

They are derived: a directory that says too much costs a look at a segment, and one is never changed. It goes with the
last of its segments. At a hundred events a segment it takes 12 bytes an event, and asking it a hundredth of the time
that its segments would take.
"""
