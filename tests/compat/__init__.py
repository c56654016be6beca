"""Real, unmodified SDKs against a real router process: nothing but their host option is changed."""
