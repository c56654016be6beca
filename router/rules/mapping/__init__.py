"""Segment's mapping kit: how an event becomes the payload of a service, written as JSON with directives.

    {"email": {"@path": "$.traits.email"}, "greeting": {"@template": "Hello {{traits.name}}"}}

An object whose only key begins with `@` is a directive; everything else is taken as it stands. A mapping is compiled
once, to closures, and is refused then with every place that is wrong; after that only an event can be at fault.
`compiler.py` reads a mapping, `directives.py` has a function for each directive.

What is not there (undefined, msgspec's UNSET here) is left out of objects and is null in lists; null stays null.

Where the rules are not those of `@segment/actions-core`, on purpose:

- A mapping must be an object, and is checked everywhere: the package does not look into lists, into `then` and `else`,
  or at arguments that it will not use, and fails later or never.
- A path finds what JSON holds: own members, items, `length`; not what JavaScript's objects have besides.
- What an event says is never read as a template, and objects in texts are JSON, not `[object Object]`.
- Whole numbers keep all their digits, and members keep their order also where their names are digits.
- `` $` `` and `$'` in a replacement stand for themselves; text that grows beyond a limit fails its event.
- `@liquid` is Liquid as `python-liquid` has it: a filter that does not exist is refused, comparing a number with what
  is none fails the event, and `increment` does not change the event.
"""
