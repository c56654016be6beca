"""A whole router in a world that obeys: time, disk and network are made from a seed, and a seed repeats itself exactly.

Start at `world.py`, which plays one seed; `python -m tests.simulation` plays many.
"""
