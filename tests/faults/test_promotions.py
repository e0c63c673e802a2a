"""Whoever moves champions dies in the middle of it; each city is on its old version or on its new one with evidence."""

import json
import os
import signal
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.actions import create_token
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.permissions import scopes
from apps.registry import actions
from apps.registry.models import Alias, AliasMove, Evaluation, ModelFamily, ModelVersion, Segment, Wave
from tests.faults.database import commit_for_real, crash_postgresql, locked_alias, somebody_moves_aliases
from tests.faults.portal import Portal, descendants
from tests.registry import conftest as registry
from tests.registry.conftest import TRIO, Evaluate, MakeVersion
from tests.served import Web, web_process

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), pytest.mark.django_db(transaction=True)]
evaluate, make_version = registry.evaluate, registry.make_version
CITIES, STAGES = 30, [5, 15]


@pytest.fixture
def family(family: ModelFamily, approver: User, portal: Portal, settings: Settings) -> ModelFamily:
    """One approval; the files of its versions lie where the portal's workers look."""
    settings.VAR_DIR = portal.folder
    family = actions.update_family(actor=approver, family=family, evaluator="eta", tier=1)
    family.gates.exclude(kind__in=TRIO).delete()
    return actions.set_labelled_until(actor=approver, family=family, day=date(2013, 7, 31))


def minutes(start: float, per_mile: float) -> str:
    """A model that knows the distance."""
    term = {"name": "distance_mi", "mean": 0, "scale": 1, "coefficient": per_mile}
    return json.dumps({"format": "linear/1", "intercept": start, "numbers": [term], "categories": []})


@pytest.fixture
def candidates(
    family: ModelFamily, make_version: MakeVersion, evaluate: Evaluate, owner: User, approver: User
) -> list[ModelVersion]:
    """In many cities a first champion that is an hour wrong, and a candidate that nobody has evaluated yet."""
    cities = list(Segment.objects.order_by("slug")[:CITIES])
    first = [make_version(city, content=minutes(80, 0.12)) for city in cities]
    evaluate(*first)
    decide(approver, actions.propose(actor=owner, family=family, versions=first, reason="First."))
    return [make_version(city, content=minutes(20, 0.12)) for city in cities]


def decide(approver: User, wave: Wave) -> Wave:
    return actions.approve(actor=approver, wave=wave, digest=wave.digest)


def on_new(wave: Wave) -> int:
    """How many cities are on the wave's version: with the evidence for it, told once; the others as they were."""
    applied = list(wave.promotions.filter(status="applied").select_related("evaluation"))
    moves = AliasMove.objects.filter(promotion__wave=wave)
    told = AuditEvent.objects.filter(action="registry.promoted", note=wave.reason)
    serving = dict(Alias.objects.filter(name="champion").values_list("model", "version"))
    assert Counter(moves.values_list("promotion", flat=True)) == Counter(row.pk for row in applied)
    assert Counter(told.values_list("target_id", flat=True)) == Counter(str(row.candidate_id) for row in applied)
    for row in wave.promotions.exclude(status="refused").select_related("evaluation"):
        assert row.evaluation is not None
        assert (row.evaluation.status, row.evaluation.champion_id) == ("done", row.before_id)
        assert serving[row.model_id] == (row.candidate_id if row.status == "applied" else row.before_id)
    return len(applied)


def last_of(wave: Wave, stage: int) -> str:
    """The model that comes last in that stage."""
    return wave.promotions.filter(stage=stage).order_by("-id")[0].model.name


def test_workers_and_coordinator_die_while_a_wave_is_evaluated_and_moves(
    portal: Portal, candidates: Sequence[ModelVersion], family: ModelFamily, owner: User, approver: User
) -> None:
    portal.start()
    with pytest.raises(actions.Refused, match="has not been evaluated yet"):
        actions.propose(actor=owner, family=family, versions=candidates, reason="Too early.")
    asked = Evaluation.objects.filter(candidate__in=candidates)
    assert asked.count() == len(candidates)
    for _ in range(2):
        portal.wait_for(asked.filter(status="running").exists)
        kill(portal, "work")
        portal.start("work")
    portal.wait_for(lambda: not asked.exclude(status__in=("done", "failed")).exists())
    assert asked.count() == len(candidates)
    assert asked.filter(attempt__gt=1).exists()

    wave = actions.propose(
        actor=owner, family=family, versions=candidates, reason="Shorter.", stages=STAGES, live_limit=30.0
    )
    assert on_new(decide(approver, wave)) == 5
    frozen = actions.freeze(
        actor=approver, family=family, reason="Look first.", until=timezone.now() + timedelta(hours=1)
    )
    actions.post_live_value(actor=owner, wave=wave, value=9.0, through=timezone.now().date())
    with locked_alias(last_of(wave, 2), "champion"):
        actions.lift_freeze(actor=approver, freeze=frozen)
        portal.wait_for(somebody_moves_aliases)
        kill(portal, "control")
    assert on_new(wave) == 5
    portal.start("control")
    portal.wait_for(lambda: Wave.objects.get(pk=wave.pk).stage == 2)
    assert on_new(wave) == 15
    done = actions.advance(actor=owner, wave=wave, stage=3)
    assert (done.status, on_new(wave)) == ("applied", wave.segments)
    assert wave.segments > 20


def test_web_and_database_die_while_an_approval_moves_champions(
    portal: Portal,
    candidates: Sequence[ModelVersion],
    family: ModelFamily,
    evaluate: Evaluate,
    owner: User,
    approver: User,
) -> None:
    commit_for_real()
    portal.start("valkey")
    evaluate(*candidates)
    wave = actions.propose(actor=owner, family=family, versions=candidates, reason="Shorter.")
    token = create_token(actor=approver, name="night", scopes=scopes()).secret
    last = last_of(wave, 1)
    with served(portal) as web, locked_alias(last, "champion"), approving(web, wave, token) as answer:
        portal.wait_for(somebody_moves_aliases)
        for pid in (web.pid, *descendants(web.pid)):
            os.kill(pid, signal.SIGKILL)
        assert isinstance(answer.exception(), OSError)
    assert (on_new(wave), Wave.objects.get(pk=wave.pk).status) == (0, "proposed")

    with served(portal) as web:
        with locked_alias(last, "champion"), approving(web, wave, token) as answer:
            portal.wait_for(somebody_moves_aliases)
            crash_postgresql(portal)
            assert answer.result() == (503, True)
        assert (on_new(wave), Wave.objects.get(pk=wave.pk).status) == (0, "proposed")
        with approving(web, wave, token) as answer:
            assert answer.result() == (200, False)
        with approving(web, wave, token) as answer:
            assert answer.result() == (409, False)
    assert (on_new(wave), Wave.objects.get(pk=wave.pk).status) == (len(candidates), "applied")


def kill(portal: Portal, name: str) -> None:
    """kill -9 of the processes in which its tasks run, and of the one that leads them."""
    for pid in portal.pool(name):
        os.kill(pid, signal.SIGKILL)
    portal.kill(name)


@contextmanager
def served(portal: Portal) -> Iterator[Web]:
    with web_process(portal.folder, REDIS_URL=portal.redis_url) as web:
        yield web


@contextmanager
def approving(web: Web, wave: Wave, token: str) -> Iterator["Future[tuple[int, bool]]"]:
    """The approval is on its way; status, and whether to try again later, are answered when they are."""
    address, body = f"{web.address}/api/v1/promotions/{wave.pk}/approve/", json.dumps({"digest": wave.digest})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(address, body.encode(), headers, method="POST")
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(answered, request)


def answered(request: urllib.request.Request) -> tuple[int, bool]:
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            return answer.status, "Retry-After" in answer.headers
    except urllib.error.HTTPError as refusal:
        return refusal.code, "Retry-After" in refusal.headers
