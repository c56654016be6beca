"""Which message ids were seen: an index that is derived from the rows of hashes beside the stream.

    ids.py      `SeenIds`: the newest ids in a dict, older ones in pieces; answers whole batches
    filter.py   the filter of a piece, in memory: says "surely not" for all but a few in ten thousand
    piece.py    a piece: hashes and positions sorted in chunk rows of SQLite, and what is kept of it in memory
    build.py    writing a piece in short turns
    keeper.py   the actor that loads, seals, merges and drops pieces; plan.py decides what to merge

What is promised: an id is called seen only after its 16 bytes were compared with a stored hash. An id that was
committed is called seen for the whole window. Start does not wait for the index, asking does.
"""
