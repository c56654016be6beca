"""The one place that knows the JSON-schema library."""

from typing import Any

import jsonschema_rs

PATTERN_BYTES = 1 << 20
"""What one compiled pattern may weigh."""


def validator(schema: Any) -> jsonschema_rs.Draft7Validator:
    """A validator of draft 7 that fetches nothing, and whose patterns take time in proportion to the text."""
    return jsonschema_rs.Draft7Validator(
        schema,
        offline=True,
        validate_formats=True,
        pattern_options=jsonschema_rs.RegexOptions(size_limit=PATTERN_BYTES),
    )
