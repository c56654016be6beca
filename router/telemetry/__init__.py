"""What happened, as structs; logs, metrics and tests observe them."""
