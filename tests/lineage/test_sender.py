"""OpenLineage's own client sends to a portal that runs, with nothing but its address and a token."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import schema_dataset, source_code_location_job
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport
from requests import HTTPError

from apps.accounts.actions import create_token
from apps.accounts.models import User
from apps.lineage.models import ToldRun
from apps.retraining.models import SegmentRun

pytestmark = pytest.mark.django_db(transaction=True)


def client(address: str, secret: str, compression: HttpCompression | None = None) -> OpenLineageClient:
    key = ApiKeyTokenProvider({"apiKey": secret})
    return OpenLineageClient(transport=HttpTransport(HttpConfig(url=address, auth=key, compression=compression)))


def test_the_client_of_openlineage_tells_of_a_run_from_start_to_end(
    live_server: object, training: SegmentRun, owner: User
) -> None:
    secret = create_token(actor=owner, name="lineage", scopes=["lineage:write"]).secret
    sender = client(str(live_server), secret)
    facet = source_code_location_job.SourceCodeLocationJobFacet
    code = facet(type="git", url="https://git.example.org", version="0a1b")
    columns = schema_dataset.SchemaDatasetFacet(fields=[schema_dataset.SchemaDatasetFacetFields("avg_km", "float")])
    job = Job(namespace="training", name="eta.atlanta", facets={"sourceCodeLocation": code})
    for state in (RunState.START, RunState.COMPLETE):
        sender.emit(
            RunEvent(
                eventType=state,
                eventTime=datetime.now(UTC).isoformat(),
                run=Run(runId=str(UUID(training.run_id))),
                job=job,
                producer="https://example.org/train.py",
                inputs=[InputDataset(namespace="feast://eta", name="city_trip_stats", facets={"schema": columns})],
                outputs=[OutputDataset(namespace="s3://models", name="eta/atlanta")],
            )
        )
    kept = ToldRun.objects.get()
    assert (kept.run_id, kept.state, kept.job, kept.commit) == (training.run_id, "COMPLETE", "eta.atlanta", "0a1b")
    assert {one.role: one.fields for one in kept.datasets.all()} == {"input": [["avg_km", "float"]], "output": []}


def test_what_is_refused_reaches_the_sender(live_server: object, owner: User) -> None:
    read_only = create_token(actor=owner, name="reads", scopes=["read"]).secret
    event = RunEvent(
        eventType=RunState.START,
        eventTime=datetime.now(UTC).isoformat(),
        run=Run(runId=str(uuid4())),
        job=Job(namespace="a", name="b"),
        producer="https://example.org",
    )
    with pytest.raises(HTTPError, match="403"):
        client(str(live_server), read_only).emit(event)
    writes = create_token(actor=owner, name="writes", scopes=["lineage:write"]).secret
    with pytest.raises(HTTPError, match="400"):
        client(str(live_server), writes, HttpCompression.GZIP).emit(event)
