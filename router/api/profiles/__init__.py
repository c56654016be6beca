"""The Profile API: what is known of one profile, for servers that hold a token of its space."""
