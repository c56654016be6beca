"""Offers the kinds `function`, as any plugin would."""

from typing import Any

from router.javascript.function_destination import FunctionDestination
from router.javascript.function_source import FunctionSource
from router.javascript.function_transformation import FunctionTransformation
from router.plugins.destination import Destination
from router.plugins.hookspecs import hookimpl
from router.plugins.source import WayIn
from router.plugins.transformation import Transformation


@hookimpl
def register_sources() -> list[type[WayIn[Any]]]:
    """Register the source."""
    return [FunctionSource]


@hookimpl
def register_transformations() -> list[type[Transformation[Any, Any]]]:
    """Register the transformation."""
    return [FunctionTransformation]


@hookimpl
def register_destinations() -> list[type[Destination[Any, Any]]]:
    """Register the destination."""
    return [FunctionDestination]
