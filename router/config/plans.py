"""Reads the sections `[plans.NAME]` and the files that they name, and checks what sources say of them."""

import os
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from msgspec import Struct

from router.config.checks import check_name
from router.config.convert import Converter
from router.config.model import PlanConfig, SourceConfig
from router.config.problems import Problems, did_you_mean
from router.events.source import EMBEDDED_SOURCE
from router.rules.plan.enforcement import Enforcement
from router.rules.plan.reading import MOST_BYTES, read_plan
from router.rules.plan.refused import PlanRefused


class _Section(Struct, frozen=True, forbid_unknown_fields=True):
    file: str


def read_plans(data: Mapping[str, Any], problems: Problems) -> dict[str, PlanConfig]:
    """The plans by name; every fault of a file is a problem with its place in the file."""
    found = {}
    for name, section in data.items():
        path = ("plans", name)
        check_name(path, problems)
        read = Converter(problems).section(_Section, section, path)
        if read is None:
            continue
        where = (*path, "file")
        try:
            plan = read_plan(_text(read.file), name=name)
        except OSError as error:
            what = f"{read.file} cannot be read ({error.strerror})"
            problems.add(where, what, "mend the path, or make it readable")
        except PlanRefused as refused:
            for fault in refused.faults:
                place = f"{fault.placed(read.file)}: {fault.place}".removesuffix(": ")
                problems.add(where, f"{place}: {fault.what}", fault.remedy)
        else:
            found[name] = PlanConfig(name=name, file=read.file, plan=plan)
    return found


def _text(file: str | os.PathLike[str]) -> bytes:
    with FilePath(file).open("rb") as opened:
        return opened.read(MOST_BYTES + 1)


def check_planned(sources: Mapping[str, SourceConfig], plans: Mapping[str, Any], problems: Problems) -> None:
    """Sources name plans that there are, forward to sources that there are, and have one kind of control only."""
    for source in sources.values():
        path = ("sources", source.name)
        if source.plan is not None and source.plan not in plans:
            what = f'there is no plan "{source.plan}"'
            problems.add((*path, "plan"), what, did_you_mean(source.plan, plans), value=source.plan)
        if source.plan is not None and source.schema:
            what = "stands beside a plan, which decides alone what may be sent"
            problems.add((*path, "schema"), what, "remove it, or the plan")
        if source.plan is None and source.enforcement != Enforcement():
            problems.add(
                (*path, "enforcement"), "enforces nothing: the source has no plan", 'write plan = "…"'
            )
        for key in ("forward_blocked_to", "forward_violations_to"):
            to = getattr(source.enforcement, key)
            known = {*sources, EMBEDDED_SOURCE} - {source.name}
            if to == source.name:
                what = "is the source itself"
                problems.add((*path, "enforcement", key), what, "name another source, made for this")
            elif to is not None and to not in known:
                what = f'there is no source "{to}"'
                problems.add((*path, "enforcement", key), what, did_you_mean(to, known), value=to)
