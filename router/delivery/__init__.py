"""The fourth actor, one per destination: route, batch, pace, send, retry, park, dead-letter. Start at `actor.py`."""
