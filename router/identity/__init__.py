"""Third actor: resolves who an event is about, then commits the step to the stream in one transaction."""
