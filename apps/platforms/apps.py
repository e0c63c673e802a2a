import structlog
from django.apps import AppConfig
from django.core import checks

log = structlog.get_logger(__name__)


class PlatformsConfig(AppConfig):
    name = "apps.platforms"
    label = "platforms"

    def ready(self) -> None:
        from apps.platforms.kinds import PROBLEMS, load_own

        load_own()
        for said in PROBLEMS.values():
            log.error("platforms.not_loaded", said=said)
        checks.register(_own_platforms)


def _own_platforms(**_: object) -> list[checks.CheckMessage]:
    """`manage.py check` names each platform of an installed package that could not be loaded, as the start does."""
    from apps.platforms.kinds import PROBLEMS

    return [checks.Warning(said, id="platforms.W001") for said in PROBLEMS.values()]
