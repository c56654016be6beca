"""The doors: HTTP in, answers out. Thin: they read and judge requests, and call actors and storage."""
