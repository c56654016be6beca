"""`router new`: the beginning of a plugin, as a package of its own whose tests pass as it stands."""

import json
import re
from importlib import resources
from importlib.metadata import distribution
from pathlib import Path
from string import Template
from urllib.parse import unquote, urlsplit

import click

from router.cli import output
from router.cli.failure import Failure
from router.cli.new_function import FORMS, begin_function
from router.errors import PluginError
from router.plugins.registry import Registry

_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_FILES = {
    "package/pyproject.toml.template": "pyproject.toml",
    "package/Makefile.template": "Makefile",
    "package/README.md.template": "README.md",
    "package/gitignore.template": ".gitignore",
    "$what/module.template": "$module.py",
    "$what/test.template": "tests/test_$module.py",
}
"""Each template and the file that is made of it."""


@click.command()
@click.argument(
    "what", type=click.Choice(["destination", "enrichment", "function", "source", "transformation"])
)
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where it is written; by default pointsman-NAME, of a function the folder functions.",
)
@click.option(
    "--as", "form", type=click.Choice(FORMS), help="What a function is for; by default destination."
)
def new(what: str, name: str, folder: Path | None, form: str | None) -> None:
    """Begin a plugin, or a function.

    WHAT is destination, enrichment, source or transformation: a package with settings, tests and a Makefile. NAME is
    the word in kind = "…": the name of a service, or what it does. Or WHAT is function: a file in JavaScript as Segment
    has them, its examples, and its section for router.toml. Then NAME is that of the section.
    """
    if not _NAME.fullmatch(name):
        raise Failure(f"{name!r} is not a name; use lower case letters, digits and hyphens, e.g. my-crm")
    if what == "function":
        begin_function(name, folder or Path("functions"), form or FORMS[0])
        return
    if form is not None:
        raise Failure("--as is for functions; leave it out")
    _refuse_taken(what, name)
    folder = folder or Path(f"pointsman-{name}")
    if folder.exists():
        raise Failure(f"{folder} exists already; remove it, or name another place with --folder")
    words = _words(what, name)
    words["usage"] = _filled(f"{what}/usage.template", words)
    try:
        for template, target in _FILES.items():
            file = folder / Template(target).substitute(words)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_filled(Template(template).substitute(words), words), encoding="utf-8")
    except OSError as error:
        raise Failure(
            f"{folder} cannot be written ({error.strerror}); name another place with --folder"
        ) from None
    output.line(f"{folder} is written. Now:")
    output.line(f"  cd {folder} && make test     # its tests pass already")
    output.line(f"  edit {words['module']}.py         # say what your {what} does")
    output.line(
        "  pip install --editable .     # where the router is installed; `router plugins` then lists it"
    )


def _refuse_taken(what: str, name: str) -> None:
    try:
        taken = {(offer.what, offer.kind): offer.origin for offer in Registry.load().offers}
    except PluginError as error:
        raise Failure(str(error), Failure.CONFIG) from None
    if (what, name) in taken:
        raise Failure(f"there is a {what} {name!r} already, from {taken[what, name]}; choose another name")


def _words(what: str, name: str) -> dict[str, str]:
    """What stands in the place of each `$word` of the templates."""
    identifier = name.replace("-", "_")
    return {
        "what": what,
        "kind": name,
        "package": f"pointsman-{name}",
        "module": f"pointsman_{identifier}",
        "title": "".join(part.capitalize() for part in identifier.split("_")),
        "env": identifier.upper(),
        "host": name.replace("_", "-"),
        "pointsman": _home(),
    }


def _home() -> str:
    """Where this router was installed from, as pip takes it: its folder, or its version."""
    found = distribution("pointsman")
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    if "dir_info" in origin:
        return unquote(urlsplit(origin["url"]).path)
    return f"pointsman=={found.version}"


def _filled(template: str, words: dict[str, str]) -> str:
    text = resources.files("router.cli").joinpath("templates", template).read_text(encoding="utf-8")
    return Template(text).substitute(words)
