"""Computed traits and audiences: what the events of a profile come to (identity 11).

    rule (`trait.py`, `audience.py`)  what is declared, compiled; all of a space in `rules.py`
    state                             `ComputedState`: a cell for each piece of the window, kept with the traits
    kinds (`kinds.py`)                how a value enters a cell, how two cells are joined, what all cells come to

A cell knows nothing of the order in which its events came. So a profile that was merged has what it would have if
all events had been its own, and an event that comes late counts as it would have in time.
"""
