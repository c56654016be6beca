"""The part of `router new` that begins a function: its file, its examples, and its section."""

from importlib import resources
from pathlib import Path
from string import Template

from router.cli import output
from router.cli.failure import Failure

FORMS = ("destination", "insert", "source")
"""What a function may be for: a destination, a transformation, or requests of a vendor."""


def begin_function(name: str, folder: Path, form: str) -> None:
    """Write a function of this form into `folder`, or refuse to write over another one."""
    words = {"name": name, "folder": folder.as_posix(), "env": name.replace("-", "_").upper()}
    made = {
        folder / f"{name}.js": f"{form}.js.template",
        folder / f"{name}.test.toml": f"{form}.test.template",
        folder / f"{name}.toml": f"{form}.section.template",
    }
    for file in made:
        if file.exists():
            raise Failure(f"{file} exists already; choose another name, or another place with --folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, template in made.items():
            text = (
                resources.files("router.cli").joinpath("templates", "function", template).read_text("utf-8")
            )
            file.write_text(Template(text).substitute(words), encoding="utf-8")
    except OSError as error:
        raise Failure(
            f"{folder} cannot be written ({error.strerror}); name another place with --folder"
        ) from None
    function, examples, section = made
    output.line(f"{function} is written. Now:")
    output.line(f"  router test --config {section}     # its examples pass already")
    output.line(f"  edit {function}     # and {examples}, which says what is expected of it")
    output.line(
        f"  copy the section from {section} into router.toml; `router test {name}` tries it from there"
    )
