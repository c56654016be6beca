"""The identity graph as the specification's words say it: slow, simple, and without a store."""

from dataclasses import dataclass, field
from typing import Any

WEEK = 7 * 86_400_000
LIMITS = {"user_id": (1, None), "email": (2, None), "anonymous_id": (3, WEEK), "group_id": (1, None)}
PRIORITY = ("user_id", "email", "anonymous_id")
Named = tuple[str, str]


@dataclass
class Person:
    """One profile, of a user or of an account."""

    number: int
    created_at: int
    ids: dict[Named, int] = field(default_factory=dict)
    traits: dict[str, tuple[tuple[int, int, str], Any]] = field(default_factory=dict)
    merges: int = 0


class People:
    """All profiles."""

    def __init__(self, *, most_merges: int = 100) -> None:
        self.users: list[Person] = []
        self.accounts: list[Person] = []
        self.links: set[tuple[int, int]] = set()
        self.survivors: dict[int, int] = {}
        self.most_merges = most_merges
        self._numbers = 0

    def meet(self, event: dict[str, Any], *, now: int) -> int | None:
        """Take in an event; the number of the user's profile."""
        ids = [
            (type, event[key]) for type, key in (("user_id", "user"), ("email", "email")) if event.get(key)
        ]
        if event.get("anon"):
            ids.append(("anonymous_id", event["anon"]))
        if event["type"] == "alias":
            ids = self._alias(event)
        user = self._resolve(self.users, ids, now) if ids else None
        account = None
        if event.get("group"):
            account = self._resolve(self.accounts, [("group_id", event["group"])], now)
        target = account if event["type"] == "group" else user
        if target is not None and event["type"] in ("identify", "group"):
            order = (event["at"], now, event["id"])
            given = {**event.get("traits", {}), **({"email": event["email"]} if event.get("email") else {})}
            for name, value in given.items():
                if name not in target.traits or target.traits[name][0] < order:
                    target.traits[name] = (order, value)
        if event["type"] == "group" and user is not None and account is not None:
            self.links.add((user.number, account.number))
        return None if user is None else user.number

    def survivor(self, number: int) -> int:
        """The profile that a profile became."""
        while number in self.survivors:
            number = self.survivors[number]
        return number

    def _alias(self, event: dict[str, Any]) -> list[Named]:
        if event["user"] == event["previous"]:
            return []
        former = ("user_id", event["previous"])
        is_user = any(former in one.ids for one in self.users)
        return [("user_id", event["user"]), former if is_user else ("anonymous_id", event["previous"])]

    def _resolve(self, people: list[Person], ids: list[Named], now: int) -> Person:
        while True:
            owners = [one for id in ids for one in people if id in one.ids]
            found = [one for index, one in enumerate(owners) if one not in owners[:index]]
            if not found:
                self._numbers += 1
                person = Person(self._numbers, now, dict.fromkeys(ids, now))
                people.append(person)
                return person
            if not any(self._is_over(type, found, ids, now) for type in LIMITS):
                break
            ids = ids[:-1]
        if len(found) > 1 and sum(one.merges for one in found) + len(found) - 1 > self.most_merges:
            return found[0]
        survivor, *gone = sorted(found, key=lambda one: one.created_at)
        for one in gone:
            self._absorb(people, survivor, one)
        for id in ids:
            survivor.ids.setdefault(id, now)
        return survivor

    def _is_over(self, type: str, found: list[Person], ids: list[Named], now: int) -> bool:
        count, window = LIMITS[type]

        def counted(person: Person) -> set[Named]:
            return {
                id for id, at in person.ids.items() if id[0] == type and (window is None or at > now - window)
            }

        owned = {id for one in found for id in one.ids}
        union = {id for one in found for id in counted(one)} | {
            id for id in ids if id[0] == type and id not in owned
        }
        return len(union) > count and len(union) > max(len(counted(one)) for one in found)

    def _absorb(self, people: list[Person], survivor: Person, gone: Person) -> None:
        survivor.ids.update(gone.ids)
        survivor.merges += gone.merges + 1
        for name, value in gone.traits.items():
            if name not in survivor.traits or survivor.traits[name][0] < value[0]:
                survivor.traits[name] = value
        self.survivors[gone.number] = survivor.number
        people.remove(gone)
