from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "apps.transfers"
    label = "transfers"

    def ready(self) -> None:
        from apps.platforms.uses import install
        from apps.transfers.queries import uses_of

        install(uses_of)
