"""API shapes of connections."""

from typing import Any, ClassVar

from rest_framework import serializers

from apps.platforms.actions import LONGEST_ADDRESS, LONGEST_NAME, LONGEST_SECRET
from apps.platforms.base import Workflow
from apps.platforms.models import Connection, OutsideLink
from apps.platforms.templating import LONGEST_TEMPLATE, VARIABLES


class ConnectionSerializer(serializers.ModelSerializer[Connection]):
    """A connection and what its last test found. `signs_in` says whether a credential is stored; none is answered."""

    signs_in = serializers.BooleanField()
    created_by: Any = serializers.SlugRelatedField("username", read_only=True)

    class Meta:
        model = Connection
        fields: ClassVar = [
            *("name", "kind", "address", "signs_in", "health", "trouble", "said", "version", "tested_at"),
            *("created_by", "updated_at"),
        ]


class UseSerializer(serializers.Serializer[Any]):
    """A model that got files through a connection, or waits for them."""

    name = serializers.CharField()
    words = serializers.CharField(help_text='How much of it, such as "3 versions".')
    problem = serializers.CharField(help_text="Why some of it failed; empty where nothing did.")


class WorkflowSerializer(serializers.Serializer[Workflow]):
    """Something that a platform can run, such as a DAG."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    problem = serializers.CharField(help_text="Why it can not be started; empty: it can.")
    notice = serializers.CharField(help_text="Why it would not begin at once; empty: it would.")


class ChangedConnectionSerializer(serializers.Serializer[object]):
    """What may change; what is left out stays. An empty secret takes it away; a new address needs it again."""

    name = serializers.CharField(max_length=64, required=False)
    address = serializers.CharField(max_length=LONGEST_ADDRESS, required=False)
    secret = serializers.CharField(
        max_length=LONGEST_SECRET, required=False, allow_blank=True, write_only=True, trim_whitespace=False
    )


class NewConnectionSerializer(ChangedConnectionSerializer):
    """A new connection; it is tested when you ask for it."""

    name = serializers.CharField(max_length=64)
    kind = serializers.CharField(
        max_length=16, help_text="mlflow, airflow, or a platform that an installed package brings."
    )
    address = serializers.CharField(max_length=LONGEST_ADDRESS)


class LinkSerializer(serializers.ModelSerializer[OutsideLink]):
    """A link out: its template and where it is shown. `pages` empty: wherever all that it names is known."""

    connection: Any = serializers.SlugRelatedField("name", read_only=True)
    created_by: Any = serializers.SlugRelatedField("username", read_only=True)
    pages = serializers.ListField(child=serializers.ChoiceField(choices=OutsideLink.Page.choices))

    class Meta:
        model = OutsideLink
        fields: ClassVar = ["id", "name", "template", "pages", "connection", "created_by", "updated_at"]


class ChangedLinkSerializer(serializers.Serializer[object]):
    """What may change; what is left out stays."""

    name = serializers.CharField(max_length=LONGEST_NAME, required=False)
    template = serializers.CharField(
        max_length=LONGEST_TEMPLATE, required=False, help_text=f"With any of {{{'}, {'.join(VARIABLES)}}}."
    )
    pages = serializers.ListField(child=serializers.ChoiceField(choices=OutsideLink.Page.choices), required=False)
    connection = serializers.CharField(
        max_length=64, required=False, allow_blank=True, help_text="Only for what ran there; empty: anywhere."
    )


class NewLinkSerializer(ChangedLinkSerializer):
    name = serializers.CharField(max_length=LONGEST_NAME)
    template = serializers.CharField(max_length=LONGEST_TEMPLATE)


class LinkOutSerializer(serializers.Serializer[object]):
    """A link to another product, filled in. The portal never opens it."""

    name = serializers.CharField()
    address = serializers.CharField()
