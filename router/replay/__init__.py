"""Replay: stored events into a destination once more, and back-fill. Start at `keeper.py`.

It promises:

- An event of the span that is selected and still kept is delivered at least once, or has a recorded end with a
  reason code, in a ledger of the replay's own: live counters never move.
- What retention has removed is named exactly: at the start what is gone already, at the end what went meanwhile.
- Live traffic goes first, and never waits longer than for one request that is on its way.
- It survives a restart, can be paused, resumed and cancelled, and then repeats at most what was on its way.

A replay is a follower with its own cursor: a row among the destinations (`crm#7`), served by a delivery actor
as any other, that reads a slice of the stream, goes through the gate of its destination and ends.

    span ─▶ slice (selection, integrations replaced) ─▶ delivery actor "crm#7" ─▶ gate ─▶ the sender of "crm"

It gives up order against what was already sent; among themselves its events keep the order of the stream for each user.
"""
