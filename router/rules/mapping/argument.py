"""What a directive is given: its argument, where it stands, and how to say what is wrong with it."""

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from router.rules.mapping.kinds import kind_of
from router.rules.mapping.parts import Constant
from router.rules.mapping.path import Resolve
from router.rules.mapping.refused import Place

if TYPE_CHECKING:
    from router.rules.mapping.compiler import Compiler


class Argument(Struct, frozen=True):
    """What a directive is given, and where it stands."""

    value: Any
    place: Place
    compiler: "Compiler"
    keeps_undefined: bool
    """Whether the result is laid over another object: then what is undefined in it matters."""

    def refuse(self, what: str, remedy: str, *keys: str) -> Constant:
        """Note what is wrong at `keys` of the argument."""
        return self.compiler.refuse((*self.place, *keys), what, remedy)

    def is_object(self, example: str, known: tuple[str, ...]) -> bool:
        """Whether the argument is an object that has no directive instead; otherwise it is refused."""
        if kind_of(self.value) != "an object":
            self.refuse(f"must be an object, not {kind_of(self.value)}", f"write {example}")
            return False
        for key in self.value:
            if key not in known:
                self.refuse("is not known here", f"known are {', '.join(known)}", str(key))
        return True

    def option(self, key: str, kind: type, default: Any, wanted: str) -> Any:
        """A member that is no directive."""
        value = self.value.get(key, default)
        if value is default or type(value) is kind:
            return value
        self.refuse(f"must be {wanted}, not {kind_of(value)}", f"write {wanted}", key)
        return default

    def choice(self, key: str, *choices: str) -> str:
        """A member that is one of a few words."""
        value = self.value.get(key)
        if value in choices:
            return str(value)
        what = (
            "is missing"
            if key not in self.value
            else f"cannot be {msgspec.json.encode(value, enc_hook=str).decode()}"
        )
        self.refuse(what, f"write one of {', '.join(choices)}", key)
        return choices[0]

    def member(self, key: str, *, keeps_undefined: bool = False) -> Resolve:
        """A member that may be any value."""
        return self.compiler.resolve(self.value[key], (*self.place, key), keeps_undefined=keeps_undefined)

    def text_member(self, key: str) -> Resolve:
        """A member that is text or a directive."""
        value = self.value.get(key)
        if type(value) is not str and kind_of(value) != "a directive":
            what = (
                "is missing"
                if key not in self.value
                else f"must be text or a directive, not {kind_of(value)}"
            )
            self.refuse(what, 'write e.g. {"@path": "$.event"}', key)
        return self.compiler.resolve(value, (*self.place, key))
