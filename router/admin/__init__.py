"""The admin door: a Unix socket beside the store, through which commands ask the running router."""
