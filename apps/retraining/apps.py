from django.apps import AppConfig


class RetrainingConfig(AppConfig):
    name = "apps.retraining"
    label = "retraining"

    def ready(self) -> None:
        from apps.platforms.uses import install
        from apps.retraining.queries.pipelines import uses_of

        install(uses_of)
