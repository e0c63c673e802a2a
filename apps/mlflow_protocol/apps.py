from django.apps import AppConfig


class MlflowProtocolConfig(AppConfig):
    name = "apps.mlflow_protocol"
    label = "mlflow_protocol"
