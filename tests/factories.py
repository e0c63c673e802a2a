"""Test people and teams. Everything else is made by the actions that people use."""

import factory

from apps.accounts.models import Membership, PortalRole, Team, User

PASSWORD = "correct-horse-battery"


class TeamFactory(factory.django.DjangoModelFactory[Team]):
    class Meta:
        model = Team

    slug = factory.Sequence(lambda n: f"team-{n}")
    name = factory.LazyAttribute(lambda team: team.slug.replace("-", " ").title())


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user-{n}")
    name = factory.LazyAttribute(lambda user: user.username.title())
    password = factory.django.Password(PASSWORD)


def put_into(team: Team, user: User, role: str = Membership.Role.MEMBER) -> User:
    """Makes the user a member (or lead) of the team, which becomes their default team."""
    Membership.objects.create(user=user, team=team, role=role)
    user.default_team = team
    user.save(update_fields=["default_team"])
    return user


def give(user: User, role: PortalRole.Role) -> User:
    PortalRole.objects.create(user=user, role=role)
    return user
