"""Second actor: follows the inbox, drops duplicates and brings every call into its stored form."""
