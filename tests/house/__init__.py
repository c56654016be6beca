"""The rules of the house that a machine can check; each checker is tried on a small bad example as well."""
