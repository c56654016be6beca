"""Puts together what each source's events go through before they are kept, from the whole configuration."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from router.actors.guard import Guard
from router.config.model import Config, PrivacyConfig
from router.enrichment.answers import Answers
from router.enrichment.controlled import Controlled
from router.enrichment.detection import Detection
from router.enrichment.diverting import Diverting, lane_of_function
from router.enrichment.enriching import Enriching
from router.enrichment.planned import Planned
from router.enrichment.privacy_guard import PrivacyGuard
from router.enrichment.processing import Processing, ProcessingStep
from router.events.source import EMBEDDED_SOURCE
from router.plugins.chain import Chain
from router.plugins.transformation import Transformation
from router.rules.privacy.actions import encrypting, hashing, masked
from router.rules.privacy.classified import Classified
from router.rules.privacy.controls import compiled
from router.rules.privacy.matchers import Detector
from router.telemetry.happenings import EnrichmentFailed
from router.telemetry.signals import Signals


def processing_of(config: Config, *, signals: Signals, guard: Guard) -> Mapping[str, Processing]:
    """The steps of each source that has any; `guard` watches over what plugins do in them."""
    answers = {
        kind: Answers(one.enricher, guard=guard, failed=lambda *fault: signals.emit(EnrichmentFailed(*fault)))
        for kind, one in config.enrichments.items()
    }
    made = {}
    detection = _detection(config)
    for name in {**config.sources, EMBEDDED_SOURCE: None}:
        privacy = guard_of(config, name)
        steps = list(_steps(config, name, answers, guard))
        otherwise, places, diversions = len(steps), {}, {}
        for function, step in _transforming(config, name, guard):
            steps.append(step)
            if function:
                places[function], diversions[function] = len(steps), lane_of_function(function, name)
        if steps or privacy is not None or detection is not None:
            made[name] = Processing(
                steps,
                guard=privacy,
                detection=detection,
                places=places,
                otherwise=otherwise,
                diversions=diversions,
            )
    return made


def guard_of(config: Config, source: str) -> PrivacyGuard | None:
    """What keeps personal data out of the events of a source, if anything is to."""
    section, privacy = config.sources.get(source), config.privacy or PrivacyConfig()
    if section is None or not section.privacy:
        return None
    is_email = Detector(privacy.matchers).is_email
    controls = compiled(
        {"red": privacy.red, "yellow": privacy.yellow},
        section.privacy,
        {
            "block": None,
            "mask": masked,
            "hash": hashing(privacy.secret.reveal().encode(), is_email),
            "encrypt": encrypting(base64.b64decode(privacy.key.reveal())) if privacy.key else None,
        },
    )
    return PrivacyGuard(controls) if controls is not None else None


def _detection(config: Config) -> Detection | None:
    privacy = config.privacy
    if privacy is None:
        return None
    detector, classified = Detector(privacy.matchers), Classified(privacy.colours)
    return Detection(detector, classified, every=privacy.look_every, alerts=privacy.alerts)


def _steps(
    config: Config, source: str, answers: Mapping[str, Answers], guard: Guard
) -> Iterator[ProcessingStep]:
    """Those behind privacy, in the order in which they run (protocols 1)."""
    section = config.sources.get(source)
    if section is not None and section.plan is not None:
        yield Planned(config.plans[section.plan].plan, section.enforcement, source=source)
    elif section is not None and section.schema:
        yield Controlled(section.schema)
    if section is not None and section.enrich:
        yield Enriching(answers[kind] for kind in section.enrich)


def _transforming(config: Config, source: str, guard: Guard) -> Iterator[tuple[str, ProcessingStep]]:
    """The transformations of a source, in the order of the file: those that ask nobody in chains, the others, each with
    its name, as the places where events leave."""
    plain: list[Transformation[Any, Any]] = []
    for section in config.transformations.values():
        if source not in section.sources:
            continue
        made = section.transformation()
        if not made.asks():
            plain.append(made)
            continue
        if plain:
            yield "", _chained(plain, guard)
            plain = []
        yield section.name, Diverting(made, source)
    if plain:
        yield "", _chained(plain, guard)


def _chained(transformations: Sequence[Transformation[Any, Any]], guard: Guard) -> ProcessingStep:
    apply = Chain(transformations, guard=guard).apply
    return lambda event, _: apply(event)
