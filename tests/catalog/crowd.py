"""A catalog of any size, written in bulk: every tool has a position, every tenth a use."""

from apps.catalog.models import Capability, Position, Tool, Usage

STAGES = Capability.Stage.values
RINGS = ("trial", "assess")
CROWDED = (
    *("/tools/", "/tools/?q=tool+4", "/radar/", "/catalog/map/", "/catalog/measures/", "/catalog/ecosystems/"),
    "/api/v1/tools/?q=tool+4",
)
"""What has to stay quick among thousands of tools."""


def crowd(number: int, *, first: int = 0) -> None:
    needs = _needs()
    made = Tool.objects.bulk_create(_tool(n, needs[n % len(needs)]) for n in range(first, first + number))
    Position.objects.bulk_create(Position(tool=tool, ring=RINGS[n % 2]) for n, tool in enumerate(made))
    Usage.objects.bulk_create(Usage(tool=tool, kind="service", name=f"service-{tool.slug}") for tool in made[::10])


def _needs() -> list[Capability]:
    slugs = [f"need-{n}" for n in range(30)]
    rows = [Capability(slug=slug, name=slug, stage=STAGES[n % 5], need="Something.") for n, slug in enumerate(slugs)]
    Capability.objects.bulk_create(rows, ignore_conflicts=True)
    return list(Capability.objects.filter(slug__in=slugs))


def _tool(n: int, need: Capability) -> Tool:
    name = f"Tool {n}"
    return Tool(
        slug=f"tool-{n}",
        name=name,
        summary=f"{name} does something.",
        capability=need,
        sourcing="open-source",
        ecosystem=f"Ecosystem {n % 20}",
    )
