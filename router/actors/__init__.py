"""Mailboxes, actors, their supervisor and a watchdog. Knows nothing of events."""
