"""What moves through the router: calls as clients send them, events as they are kept, envelopes and batches."""
