"""What has to change so that the control store is as the document says.

Belongs here: comparing an organisation, one step per difference. Does not belong here: making the
steps (``carry``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from ecomind.apply.document import (
    AlertPart,
    Document,
    DocumentUnusable,
    KeyPart,
    MemberPart,
    OrganizationPart,
    Place,
    ReportPart,
    UserPart,
)
from ecomind.identity import (
    IdentityStore,
    KeyInfo,
    Membership,
    NotFound,
    OrganizationInfo,
    Preferences,
)

Perform = Callable[[IdentityStore], object]


@dataclass(frozen=True, slots=True)
class Step:
    """One difference: ``+`` to add, ``~`` to change, ``-`` to remove; ``place`` in the file.

    ``perform`` makes it in a store; of a key that is made it returns the text.
    """

    sign: str
    what: str
    place: Place
    perform: Perform
    makes_key: str | None = None

    def __str__(self) -> str:
        return f"{self.sign} {self.what}"


class Comparison:
    """An organisation as it is in ``store`` and as it is to be."""

    def __init__(self, document: Document, org_id: str, store: IdentityStore) -> None:
        """Look at the organisation, which need not exist yet."""
        self._document = document
        self._part: OrganizationPart = document.organizations[org_id]
        self._org_id = org_id
        self._store = store
        self._info: OrganizationInfo | None = None
        with suppress(NotFound):
            self._info = store.organizations.get(org_id)
        self._users = {row["user_id"]: row for row in store.directory.users(org_id)}
        self._members = store.people.members(org_id)
        now = datetime.now(UTC)
        self._keys = [info for info in store.keys.listed(org_id) if info.state(now) == "active"]
        self._alerts = {row["rule_id"]: row for row in store.rules.alerts(org_id)}
        self._reports = {row["schedule_id"]: row for row in store.rules.schedules(org_id)}
        self._teams = {row["team_id"]: row["name"] for row in store.directory.teams(org_id)}

    def steps(self, prune: bool) -> Iterator[Step]:
        """Every difference, in an order in which they can be made; removals only to ``prune``."""
        part = self._part
        yield from self._organization()
        for team_id, name in (part.teams or {}).items():
            yield from self._team(team_id, name)
        for index, user in enumerate(part.users or ()):
            yield from self._user(("users", index), user)
        for index, member in enumerate(part.members or ()):
            yield from self._member(("members", index), member)
        for name, key in (part.keys or {}).items():
            yield from self._key(name, key)
        for rule_id, alert in (part.alerts or {}).items():
            yield from self._alert(rule_id, alert)
        for schedule_id, report in (part.reports or {}).items():
            yield from self._report(schedule_id, report)
        if prune and self._info is not None:
            yield from self._removals()

    def _step(
        self, sign: str, what: str, place: Place, perform: Perform, makes_key: str | None = None
    ) -> Step:
        return Step(sign, what, ("organizations", self._org_id, *place), perform, makes_key)

    def _organization(self) -> Iterator[Step]:
        org_id, name, info = self._org_id, self._part.name, self._info
        if info is None:
            yield self._step(
                "+", "organization", (), lambda s: s.organizations.create(org_id, name)
            )
        elif info.name != name:
            told = f"organization: {info.name} -> {name}"
            yield self._step("~", told, ("name",), lambda s: s.organizations.rename(org_id, name))
        present = Preferences() if info is None else info.preferences
        given = self._part.settings.model_dump(exclude_none=True)
        given |= self._part.retention.model_dump(exclude_unset=True)
        wanted = replace(present, **given)
        told = _changes(asdict(present), asdict(wanted))
        if told:
            place: Place = ("retention",) if "_days" in told else ("settings",)
            yield self._step(
                "~", f"settings: {told}", place, lambda s: s.organizations.configure(org_id, wanted)
            )

    def _team(self, team_id: str, name: str) -> Iterator[Step]:
        org_id, present, place = self._org_id, self._teams.get(team_id), ("teams", team_id)
        if present is None:
            yield self._step(
                "+", f"team {team_id}", place,
                lambda s: s.directory.create_team(org_id, team_id, name),
            )  # fmt: skip
        elif present != name:
            yield self._step(
                "~", f"team {team_id}: {present} -> {name}", place,
                lambda s: s.directory.rename_team(org_id, team_id, name),
            )  # fmt: skip

    def _user(self, place: Place, user: UserPart) -> Iterator[Step]:
        org_id = self._org_id
        user_id = self._pseudonym(user.id)
        present = self._users.get(user_id)
        if present is None:
            yield self._step(
                "+", f"user {user.name}", place,
                lambda s: s.directory.create_user(org_id, user.id, user.name, user.team),
            )  # fmt: skip
            return
        was = {"name": present["display_name"], "team": present["team_id"]}
        if told := _changes(was, {"name": user.name, "team": user.team}):
            yield self._step(
                "~", f"user {user.name}: {told}", place,
                lambda s: s.directory.change_user(org_id, user_id, user.name, user.team),
            )  # fmt: skip

    def _member(self, place: Place, member: MemberPart) -> Iterator[Step]:
        org_id, present = self._org_id, self._present(member)

        def set_member(store: IdentityStore) -> None:
            found = _person(store, member)
            if found is None:
                found = store.people.add(
                    member.issuer, member.name, subject=member.subject, email=member.email
                )
            user_id = None if member.user is None else store.pseudonym(org_id, member.user)
            store.people.set_member(org_id, found, member.role, user_id)

        if present is None:
            yield self._step("+", f"member {member.name} ({member.role})", place, set_member)
            return
        user_id = None if member.user is None else self._pseudonym(member.user)
        was = {"role": present.role.value, "user": present.user_id}
        if told := _changes(was, {"role": member.role.value, "user": user_id}):
            yield self._step("~", f"member {member.name}: {told}", place, set_member)
        person = present.person
        email = member.email or person.email
        if told := _changes(
            {"name": person.display_name, "email": person.email},
            {"name": member.name, "email": email},
        ):
            yield self._step(
                "~", f"person {member.name}: {told}", place,
                lambda s: s.people.change(person.person_id, display_name=member.name, email=email),
            )  # fmt: skip

    def _key(self, name: str, key: KeyPart) -> Iterator[Step]:
        org_id, place = self._org_id, ("keys", name)
        present = next((info for info in self._keys if info.name == name), None)
        if present is not None:
            if told := _changes(_described(present), _wanted(key, present)):
                problem = f"a key is not changed ({told}): revoke it, or name another"
                raise DocumentUnusable(
                    self._document.told(("organizations", org_id, *place), problem)
                )
            return
        expires_at = key.expires_days and datetime.now(UTC) + timedelta(days=key.expires_days)

        def create(store: IdentityStore) -> str:
            text, _ = store.keys.create(
                org_id, key.role, name, expires_at or None,
                origins=key.origins, events_per_min=key.events_per_min, scopes=key.scopes,
                networks=key.networks, project_id=key.project,
            )  # fmt: skip
            return text

        yield self._step("+", f"key {name} ({key.role})", place, create, name)

    def _alert(self, rule_id: str, alert: AlertPart) -> Iterator[Step]:
        org_id, present = self._org_id, self._alerts.get(rule_id)
        wanted = alert.model_dump()
        told = "" if present is None else _changes({n: present[n] for n in wanted}, wanted)
        if present is None or told:
            yield self._step(
                "+" if present is None else "~", f"alert {rule_id}" + (told and f": {told}"),
                ("alerts", rule_id),
                lambda s: s.rules.set_alert(org_id, rule_id, alert.metric, alert.threshold),
            )  # fmt: skip

    def _report(self, schedule_id: str, report: ReportPart) -> Iterator[Step]:
        org_id, present = self._org_id, self._reports.get(schedule_id)
        wanted = report.model_dump()
        is_changed = present is not None and any(
            (tuple(present[name]) if isinstance(value, tuple) else present[name]) != value
            for name, value in wanted.items()
        )
        if present is None or is_changed:
            yield self._step(
                "+" if present is None else "~", f"report {schedule_id}", ("reports", schedule_id),
                lambda s: s.rules.set_schedule(org_id, schedule_id, **wanted),
            )  # fmt: skip

    def _removals(self) -> Iterator[Step]:
        """What sections of the file do not name; what others need goes last."""
        org_id, part = self._org_id, self._part
        kept = {self._pseudonym(user.id) for user in part.users or ()}
        members = [found for each in part.members or () if (found := self._present(each))]
        staying = {each.person.person_id for each in members}
        gone = [each.person for each in self._members if each.person.person_id not in staying]
        for rule_id in _beyond(self._alerts, part.alerts):
            yield self._remove(
                f"alert {rule_id}", _with(rule_id, lambda s, i: s.rules.delete_alert(org_id, i))
            )
        for schedule_id in _beyond(self._reports, part.reports):
            yield self._remove(
                f"report {schedule_id}",
                _with(schedule_id, lambda s, i: s.rules.delete_schedule(org_id, i)),
            )
        for key in self._keys if part.keys is not None else ():
            if key.name not in (part.keys or {}):
                what = f"key {key.name or key.key_id}"
                yield self._remove(what, _with(key.key_id, lambda s, i: s.keys.revoke(org_id, i)))
        for person in gone if part.members is not None else ():
            yield self._remove(
                f"member {person.display_name}",
                _with(person.person_id, lambda s, i: s.people.remove_member(org_id, i)),
            )
        for user_id in _beyond(self._users, kept if part.users is not None else None):
            yield self._remove(
                f"user {self._users[user_id]['display_name']}",
                _with(user_id, lambda s, i: s.directory.delete_user(org_id, i)),
            )
        for team_id in _beyond(self._teams, part.teams):
            yield self._remove(
                f"team {team_id}", _with(team_id, lambda s, i: s.directory.delete_team(org_id, i))
            )

    def _remove(self, what: str, perform: Perform) -> Step:
        return self._step("-", what, (), perform)

    def _pseudonym(self, value: str) -> str:
        return "" if self._info is None else self._store.pseudonym(self._org_id, value)

    def _present(self, member: MemberPart) -> Membership | None:
        person_id = _person(self._store, member)
        return next((each for each in self._members if each.person.person_id == person_id), None)


def _with(name: str, perform: Callable[[IdentityStore, str], object]) -> Perform:
    return lambda store: perform(store, name)


def _person(store: IdentityStore, member: MemberPart) -> str | None:
    """Id of the person a member is, known by subject, or by address until they sign in."""
    found = None
    if member.subject is not None:
        found = store.people.find(member.issuer, member.subject)
    elif member.email is not None:
        found = store.people.by_email(member.issuer, member.email)
    return None if found is None else found.person_id


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    return ", ".join(
        f"{name} {before[name]} -> {value}"
        for name, value in after.items()
        if value != before[name]
    )


def _described(info: KeyInfo) -> dict[str, object]:
    scopes = None if info.scopes is None else sorted(scope.value for scope in info.scopes)
    return {
        "role": info.role.value,
        "origins": sorted(info.origins),
        "scopes": scopes,
        "networks": sorted(info.networks),
        "project": info.project_id,
        "events_per_min": info.events_per_min,
    }


def _wanted(key: KeyPart, present: KeyInfo) -> dict[str, object]:
    limit = present.events_per_min if key.events_per_min is None else key.events_per_min
    return {
        "role": key.role.value,
        "origins": sorted(key.origins),
        "scopes": None if key.scopes is None else sorted(key.scopes),
        "networks": sorted(key.networks),
        "project": key.project,
        "events_per_min": limit,
    }


def _beyond(present: Iterable[str], named: Iterable[str] | None) -> list[str]:
    return [] if named is None else sorted(set(present) - set(named))
