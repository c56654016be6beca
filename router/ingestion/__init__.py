"""First actor: stamps what the doors accepted, commits it in groups, and lets the doors answer."""
