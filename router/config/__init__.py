"""The configuration: `router.toml` read once into typed structs, with every problem reported at once."""
