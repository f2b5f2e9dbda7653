"""``ecomind person``: people who sign in, from the command line.

Belongs here: adding, inviting and ending people, and their one-time codes. Does not belong here:
users whose calls are counted (``ecomind org add-user``).
"""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ecomind.identity import MEMBERS, IdentityError, IdentityStore, Person, Role, open_store
from ecomind.identity.checks import check_identifier
from ecomind.identity.local_identity import LOCAL_ISSUER
from ecomind.settings import Settings, get_settings

_org = click.option("--org", "org_id", required=True, help="Organisation they become a member of.")
_role = click.option(
    "--role",
    type=click.Choice([role.value for role in MEMBERS]),
    required=True,
    help="What they are there.",
)
_display_name = click.option("--display-name", help="Name shown to other members.")
_user = click.option(
    "--user",
    help="The id their own calls are sent with, so that these rows are known as theirs.",
)


@click.group("person")
def person_group() -> None:
    """People who sign in, and what they are in which organisation.

    PERSON is the id that `ecomind person list` prints, a name of the installation itself, or an
    address.
    """


@person_group.command("add")
@click.argument("name")
@_org
@_role
@_display_name
@click.option(
    "--subject",
    is_flag=True,
    help="NAME is their subject at the identity provider, instead of a name here.",
)
@_user
def add_person(
    name: str, org_id: str, display_name: str | None, subject: bool, **membership: Any
) -> None:
    """Add a person who signs in with one-time codes; prints the first one.

    With --subject, one who signs in with the identity provider.
    """
    settings = get_settings()
    store = open_store(settings)
    if not subject:
        check_identifier("a person's name", name)
    issuer = _provider(settings) if subject else LOCAL_ISSUER
    with store.together(org_id) as within:
        person_id = within.people.add(issuer, display_name or name, subject=name)
        _join(within, org_id, person_id, **membership)
    click.echo(f"added {person_id} to {org_id} as {membership['role']}", err=True)
    if not subject:
        _hand_over_code(store, person_id, settings)


@person_group.command("invite")
@click.argument("email")
@_org
@_role
@_display_name
@_user
def invite_person(
    email: str, org_id: str, role: str, display_name: str | None, user: str | None
) -> None:
    """Invite someone by the address the identity provider knows and has verified.

    They become who they are at the provider when they first sign in.
    """
    settings = get_settings()
    store = open_store(settings)
    issuer = _provider(settings)
    with store.together(org_id) as within:
        person_id = within.people.add(issuer, display_name or email, email=email)
        _join(within, org_id, person_id, role, user)
    click.echo(f"invited {email} to {org_id} as {role}; they sign in at", err=True)
    click.echo(settings.resolved_dashboard_url)


@person_group.command("list")
@click.option("--org", "org_id", help="Only members of this organisation.")
def list_people(org_id: str | None) -> None:
    """List people and what they are where."""
    store = open_store(get_settings())
    table = Table("person", "name", "signs in with", "as", "member of", "state", box=None)
    for person in store.people.listed():
        memberships = store.people.memberships(person.person_id)
        if org_id is not None and org_id not in {each.org_id for each in memberships}:
            continue
        how = "a code" if person.issuer == LOCAL_ISSUER else person.issuer
        where = ", ".join(f"{each.org_id} ({each.role.value})" for each in memberships)
        known_as = person.subject or person.email or ""
        table.add_row(person.person_id, person.display_name, how, known_as, where, _state(person))
    Console().print(table)


@person_group.command("sign-in-code")
@click.argument("person")
def sign_in_code(person: str) -> None:
    """Print a code that signs a person in, once; it ends the one before."""
    settings = get_settings()
    store = open_store(settings)
    _hand_over_code(store, _found(store, settings, person).person_id, settings)


@person_group.command("set-role")
@click.argument("person")
@_org
@_role
@_user
def set_role(person: str, org_id: str, role: str, user: str | None) -> None:
    """Make a person a member of an organisation, or change what they are there."""
    settings = get_settings()
    store = open_store(settings)
    found = _found(store, settings, person)
    _join(store, org_id, found.person_id, role, user)
    click.echo(f"{found.display_name} is {role} of {org_id}")


@person_group.command("remove")
@click.argument("person")
@click.option("--org", "org_id", required=True, help="Organisation they leave.")
def remove_person(person: str, org_id: str) -> None:
    """End a membership; it holds from their next request on."""
    settings = get_settings()
    store = open_store(settings)
    found = _found(store, settings, person)
    store.people.remove_member(org_id, found.person_id)
    click.echo(f"{found.display_name} is no member of {org_id} any more")


@person_group.command("disable")
@click.argument("person")
def disable_person(person: str) -> None:
    """Let a person in nowhere any more."""
    settings = get_settings()
    store = open_store(settings)
    found = _found(store, settings, person)
    store.people.disable(found.person_id)
    click.echo(f"disabled {found.display_name}")


@person_group.command("enable")
@click.argument("person")
def enable_person(person: str) -> None:
    """Let a disabled person in again."""
    settings = get_settings()
    store = open_store(settings)
    found = _found(store, settings, person)
    store.people.enable(found.person_id)
    click.echo(f"enabled {found.display_name}")


@person_group.command("sign-out")
@click.argument("person")
def sign_out(person: str) -> None:
    """End all sign-ins of a person so far, everywhere."""
    settings = get_settings()
    store = open_store(settings)
    found = _found(store, settings, person)
    store.people.sign_out(found.person_id)
    click.echo(f"signed {found.display_name} out")


def _provider(settings: Settings) -> str:
    if not settings.oidc_issuer:
        raise IdentityError(
            "no identity provider is configured: set ECOMIND_OIDC_ISSUER and"
            " ECOMIND_OIDC_CLIENT_ID, or add people with `ecomind person add NAME`"
        )
    return settings.oidc_issuer


def _found(store: IdentityStore, settings: Settings, text: str) -> Person:
    """The one person an id, a local name, a subject or an address stands for."""
    issuers = {LOCAL_ISSUER, settings.oidc_issuer}
    matching = [
        person
        for person in store.people.listed()
        if person.person_id == text
        or (person.issuer in issuers and text in (person.subject, person.email))
    ]
    if not matching:
        raise IdentityError(f"there is no person {text}; `ecomind person list` lists them")
    if len(matching) > 1:
        raise IdentityError(f"{text} is more than one person; use an id of `ecomind person list`")
    return matching[0]


def _join(store: IdentityStore, org_id: str, person_id: str, role: str, user: str | None) -> None:
    user_id = None if user is None else store.pseudonym(org_id, user)
    store.people.set_member(org_id, person_id, Role(role), user_id)


def _state(person: Person) -> str:
    if person.disabled_at is not None:
        return "disabled"
    return "active" if person.subject is not None else "invited"


def _hand_over_code(store: IdentityStore, person_id: str, settings: Settings) -> None:
    code = store.sign_in_codes.create(person_id)
    until = f"{code.expires_at:%H:%M} UTC"
    where = f"{settings.resolved_dashboard_url}/sign-in"
    click.echo(f"opens {where} once, until {until}:", err=True)
    click.echo(code.text)
