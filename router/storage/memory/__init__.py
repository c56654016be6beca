"""The store in memory: the same contract for tests; it survives nothing."""
