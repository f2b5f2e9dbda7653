"""The file that says what organisations are to be like.

Belongs here: its shape, reading it, and where in it something stands. Does not belong here:
comparing it with the control store.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ecomind.errors import EcoMindError
from ecomind.identity import MEMBERS, Role

Place = tuple[str | int, ...]
"""The way to a value through keys and positions."""


KeyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""Plain enough for the name of a file."""


class DocumentUnusable(EcoMindError):
    """The file is not one that can be applied; says where and why in one sentence."""


class Part(BaseModel):
    """A part of the document; names it does not know are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UserPart(Part):
    """A user by the id their events carry."""

    id: str
    name: str
    team: str | None = None


class MemberPart(Part):
    """A person who signs in; ``user`` is the id that events of their own carry."""

    issuer: str
    subject: str | None = None
    email: str | None = None
    name: str
    role: Role
    user: str | None = None


class KeyPart(Part):
    """A key, known by its name; it is made once and then not changed."""

    role: Role
    origins: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None
    networks: tuple[str, ...] = ()
    project: str | None = None
    events_per_min: int | None = Field(None, ge=1)
    expires_days: int | None = Field(None, ge=1)


class AlertPart(Part):
    """A daily threshold, in the metric's unit."""

    metric: str
    threshold: float


class ReportPart(Part):
    """A report made regularly."""

    recipients: tuple[str, ...]
    cadence: str = "monthly"
    formats: tuple[str, ...] = ("pdf",)


class SettingsPart(Part):
    """Settings of an organisation; those left out stay as they are."""

    analysts_see_people: bool | None = None


class RetentionPart(Part):
    """Days things are kept; null keeps them for good, those left out stay as they are."""

    raw_days: int | None = None
    rejects_days: int | None = None
    logs_days: int | None = None
    audit_days: int | None = None


class OrganizationPart(Part):
    """An organisation; sections that are left out are not looked at."""

    name: str
    settings: SettingsPart = SettingsPart()
    retention: RetentionPart = RetentionPart()
    teams: dict[str, str] | None = None
    users: tuple[UserPart, ...] | None = None
    members: tuple[MemberPart, ...] | None = None
    keys: dict[KeyName, KeyPart] | None = None
    alerts: dict[str, AlertPart] | None = None
    reports: dict[str, ReportPart] | None = None


class Contents(Part):
    """All of the file."""

    organizations: dict[str, OrganizationPart]


class Document:
    """A file that was read, and where in it things stand."""

    def __init__(self, path: Path, contents: Contents, root: yaml.Node) -> None:
        """Use ``read``."""
        self.path = path
        self.organizations = contents.organizations
        self._root = root

    @classmethod
    def read(cls, path: Path) -> Document:
        """Read a file. Raises ``DocumentUnusable`` naming the line and what is wrong there."""
        try:
            root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
            if root is None:
                raise DocumentUnusable(f"{path} is empty")
            _refuse_repeated(path, root)
            given = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise DocumentUnusable(f"{path} cannot be read: {error}") from error
        except yaml.MarkedYAMLError as error:
            line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
            raise DocumentUnusable(f"{path}{line}: {error.problem}") from error
        try:
            document = cls(path, Contents.model_validate(given), root)
        except ValidationError as error:
            problem = error.errors()[0]
            raise DocumentUnusable(_told(path, root, problem["loc"], problem["msg"])) from error
        document._check_members()
        return document

    def told(self, place: Place, problem: str) -> str:
        """A sentence on what is wrong at a place."""
        return _told(self.path, self._root, place, problem)

    def _check_members(self) -> None:
        for org_id, part in self.organizations.items():
            for index, member in enumerate(part.members or ()):
                place: Place = ("organizations", org_id, "members", index)
                if member.role not in MEMBERS:
                    told = f"a person's role is one of {', '.join(MEMBERS)}"
                    raise DocumentUnusable(self.told((*place, "role"), told))
                if not (member.subject or member.email):
                    raise DocumentUnusable(self.told(place, "a member has a subject or an email"))


def _told(path: Path, root: yaml.Node, place: Sequence[str | int], problem: str) -> str:
    where = ".".join(str(step) for step in place)
    return f"{path}:{_line(root, place)}: {where + ': ' if where else ''}{problem}"


def _line(node: yaml.Node, place: Sequence[str | int]) -> int:
    """Line of a place, or of the nearest that is there."""
    for step in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            below = [value for key, value in node.value if key.value == str(step)]
            if not below:
                break
            node = below[0]
    return int(node.start_mark.line) + 1


def _refuse_repeated(path: Path, node: yaml.Node) -> None:
    """YAML's readers take the last of two equal names in silence."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise DocumentUnusable(f"{path}:{line}: {key.value} stands here twice")
            seen.add(key.value)
            _refuse_repeated(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated(path, item)
