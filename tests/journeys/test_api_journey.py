"""The whole way over the API: real servers, web process, workers and beat, the demo company's real trips.

Nothing here looks inside: people have tokens and send HTTP. Only the audit is read from the database.
"""

from collections import Counter
from typing import Any

import pytest

from tests.journeys.portal import Person, ServedPortal

pytestmark = pytest.mark.timeout(400)  # the first test waits until the portal is up

FAMILY = "eta-trip"
CITIES, WITH_CHAMPION = 81, 78
WITHOUT_CHAMPION = ["bangor", "oakland", "san-jose"]
OVER = {"finished", "finished_with_failures", "failed", "cancelled"}
Row = dict[str, Any]


@pytest.fixture(scope="module")
def scientist(portal: ServedPortal) -> Person:
    return portal.person("scientist")


@pytest.fixture(scope="module")
def lead(portal: ServedPortal) -> Person:
    return portal.person("lead")


@pytest.fixture(scope="module")
def operator(portal: ServedPortal) -> Person:
    return portal.person("operator")


def test_all_cities_are_retrained_evaluated_promoted_and_one_is_rolled_back(
    portal: ServedPortal, scientist: Person, lead: Person
) -> None:
    scientist_looks_at_the_fleet(scientist)
    request = scientist_retrains_all_cities(scientist)
    versions = workers_train_and_evaluate(portal, scientist, request)
    wave = scientist_proposes_what_passes(scientist, versions)
    scientist_can_not_approve_it(scientist, wave)
    lead_approves_what_was_looked_at(lead, wave)
    champions_have_moved_and_history_says_so(portal, scientist, wave)
    lead_takes_one_back(portal, scientist, lead, wave)
    a_lead_alone_can_not_decide_on_their_own(lead, wave)


def scientist_looks_at_the_fleet(scientist: Person) -> None:
    family = scientist.get(f"families/{FAMILY}/")
    assert (family["segments"], family["champions"], family["tier"], family["approvals"]) == (81, 78, 1, 1)
    rows = scientist.get(f"families/{FAMILY}/fleet/")
    assert [row["segment"] for row in rows if not row["champion"]] == WITHOUT_CHAMPION
    for row in (row for row in rows if row["champion"]):
        assert row["champion"]["trained_through"] == "2013-03-31"
        assert row["age_days"] == 122
        assert row["evaluated"]["candidate"] > 0
        assert (row["newest"]["first"], row["newest"]["last"]) == ("2013-07-01", "2013-07-31")
    assert len(rows) == CITIES


def scientist_retrains_all_cities(scientist: Person) -> Row:
    """Schema, preview, send; sent twice by a nervous finger, it is one request."""
    schema = scientist.get("pipelines/eta-ridge/")["schema"]
    assert schema["properties"]["as_of"]["default"] == "2013-07-01"
    plan = {"family": FAMILY, "parameters": {"as_of": "2013-07-01"}}
    preview = scientist.post("pipelines/eta-ridge/preview/", plan)
    assert preview["runs"] == CITIES
    assert preview["estimate"]["history"] >= WITH_CHAMPION
    wanted = plan | {"pipeline": "eta-ridge", "reason": "July is another season.", "key": "july"}
    sent, again = scientist.post("requests/", wanted), scientist.post("requests/", wanted)
    assert sent["id"] == again["id"]
    assert sent["digest"] == preview["digest"]
    return sent


def workers_train_and_evaluate(portal: ServedPortal, scientist: Person, request: Row) -> list[Row]:
    """The new versions: 78 compared with their champion on July, three first ones alone."""
    ended = wait_until_over(portal, scientist, request)
    assert ended["status"] == "finished"
    runs = scientist.all(f"segment-runs/?request={request['id']}")
    assert Counter(run["status"] for run in runs) == {"succeeded": CITIES}
    portal.wait_for(lambda: all_evaluated(scientist, runs))
    evaluations = [row for row in scientist.all(f"evaluations/?family={FAMILY}") if is_of(runs, row)]
    assert Counter(row["champion"] for row in evaluations) == {1: WITH_CHAMPION, None: len(WITHOUT_CHAMPION)}
    assert {row["window_last"] for row in evaluations} == {"2013-07-31"}
    assert_each_success_can_be_followed(scientist, runs[0])
    made = {(run["model"], run["version"]) for run in runs}
    return [row for row in scientist.all(f"versions/?family={FAMILY}") if (row["model"], row["number"]) in made]


def all_evaluated(scientist: Person, runs: list[Row]) -> bool:
    """Each new version is its city's candidate, and its comparison is there."""
    fleet = {row["model"]: row for row in scientist.get(f"families/{FAMILY}/fleet/")}
    return all((fleet[run["model"]]["comparison"] or {}).get("status") == "done" for run in runs)


def is_of(runs: list[Row], evaluation: Row) -> bool:
    return (evaluation["model"], evaluation["candidate"]) in {(run["model"], run["version"]) for run in runs}


def assert_each_success_can_be_followed(scientist: Person, run: Row) -> None:
    """From the segment run to what it reported and to the files it left."""
    told = scientist.get(f"runs/{run['run']}/")
    assert told["status"] == "FINISHED"
    assert told["reported"]["mae"] > 0
    files = {row["path"]: row for row in scientist.all(f"runs/{run['run']}/files/")}
    assert {"model.json", "metrics.json"} <= set(files)
    assert len(files["model.json"]["sha256"]) == 64


def scientist_proposes_what_passes(scientist: Person, versions: list[Row]) -> Row:
    """The others are listed with the sentence why not."""
    assert len(versions) == CITIES
    wanted = {"family": FAMILY, "versions": [row["id"] for row in versions]}
    dry = scientist.post("promotions/dry-run/", wanted)
    assert dry["totals"]["weighted_gain"] > 0
    assert 0 < dry["false_winners"] <= 0.05 * CITIES
    proposed = scientist.post("promotions/", wanted | {"reason": "July is another season.", "key": "july"})
    assert proposed["wave"]["status"] == "proposed"
    assert (len(proposed["rows"]), len(proposed["refused"])) == (len(dry["rows"]), len(dry["refused"]))
    assert len(proposed["rows"]) > 30
    assert all("keep the champion" in row["refusal"] or "chance" in row["refusal"] for row in proposed["refused"])
    for row in proposed["rows"]:
        assert {verdict["outcome"] for verdict in row["verdicts"]} == {"pass"}
    return proposed


def scientist_can_not_approve_it(scientist: Person, wave: Row) -> None:
    refusal = scientist.refused(f"promotions/{wave['wave']['id']}/approve/", {"digest": wave["wave"]["digest"]})
    assert refusal.status == 403
    assert "lead of the team that owns this family" in refusal.sentence
    assert scientist.get("promotions/waiting/")["count"] == 0


def lead_approves_what_was_looked_at(lead: Person, wave: Row) -> None:
    waiting = waiting_for(lead)
    assert [row["id"] for row in waiting] == [wave["wave"]["id"]]
    seen = lead.get(f"promotions/{waiting[0]['id']}/")
    assert seen["may_decide"]
    stale = lead.refused(f"promotions/{waiting[0]['id']}/approve/", {"digest": "0" * 64})
    assert (stale.status, "has changed since you looked" in stale.sentence) == (409, True)
    approved = lead.post(f"promotions/{waiting[0]['id']}/approve/", {"digest": seen["wave"]["digest"], "note": "Yes."})
    assert approved["wave"]["status"] == "applied"
    assert {row["status"] for row in approved["rows"]} == {"applied"}
    assert [(vote["user"], vote["verdict"]) for vote in approved["votes"]] == [("lead", "yes")]
    assert waiting_for(lead) == []


def waiting_for(lead: Person) -> list[Row]:
    """A wave of another family waits from the start on."""
    return [row for row in lead.all("promotions/waiting/") if row["family"] == FAMILY]


def champions_have_moved_and_history_says_so(portal: ServedPortal, scientist: Person, wave: Row) -> None:
    moved = {row["segment"]: row["candidate"]["id"] for row in wave["rows"]}
    for row in scientist.get(f"families/{FAMILY}/fleet/"):
        if row["segment"] in moved:
            assert row["champion"]["id"] == moved[row["segment"]]
        elif row["champion"]:
            assert row["champion"]["trained_through"] == "2013-03-31"
    newest = scientist.all(f"models/{wave['rows'][0]['model']}/aliases/")[0]
    assert (newest["kind"], newest["by"], newest["promotion"]) == ("promotion", "lead", wave["wave"]["id"])
    told = audited(portal)
    assert told["retraining.request_submitted"] == 3  # the company's first champions, the shared model, and July
    assert told["registry.version_registered"] == WITH_CHAMPION + 1 + CITIES


def lead_takes_one_back(portal: ServedPortal, scientist: Person, lead: Person, wave: Row) -> None:
    row = next(row for row in wave["rows"] if row["champion"])
    order = {"reason": "Riders complain.", "version": row["candidate"]["number"]}
    assert scientist.refused(f"models/{row['model']}/rollback/", order).status == 403
    before = audited(portal)
    back = lead.post(f"models/{row['model']}/rollback/", order)
    assert [(move["before"], move["after"]) for move in back["moves"]] == [(2, 1)]
    again = lead.refused(f"models/{row['model']}/rollback/", order)
    assert again.status == 409
    assert scientist.get(f"models/{row['model']}/")["aliases"] == [{"name": "champion", "version": 1}]
    kinds = [move["kind"] for move in scientist.all(f"models/{row['model']}/aliases/")]
    assert kinds == ["rollback", "promotion", "promotion"]
    assert audited(portal) - before == {"registry.rollback_decided": 1, "registry.rolled_back": 1}


def a_lead_alone_can_not_decide_on_their_own(lead: Person, wave: Row) -> None:
    """The city that was taken back could be promoted again; even the lead needs somebody else for it."""
    row = next(row for row in wave["rows"] if row["champion"])
    wanted = {"family": FAMILY, "versions": [row["candidate"]["id"]], "reason": "I think it was right."}
    refusal = lead.refused("promotions/", wanted)
    assert refusal.status == 409
    assert "its authors may not" in refusal.sentence
    assert [row for row in lead.all("promotions/?status=proposed") if row["family"] == FAMILY] == []


def test_cities_with_too_few_rows_end_as_no_data_with_the_sentence_why(portal: ServedPortal, scientist: Person) -> None:
    wanted = {"pipeline": "eta-ridge", "family": FAMILY, "segments": WITHOUT_CHAMPION}
    request = scientist.post("requests/", wanted | {"parameters": {"as_of": "2013-04-01"}})
    ended = wait_until_over(portal, scientist, request)
    assert (ended["status"], ended["progress"]["no_data"], ended["failures"]) == ("finished", 3, [])
    runs = {run["segment"]: run for run in scientist.all(f"segment-runs/?request={request['id']}")}
    assert runs["bangor"]["reason"] == "Only 2 of the 60 rows needed between 2013-01-01 and 2013-03-31."
    assert {(run["status"], run["attempt"], run["version"]) for run in runs.values()} == {("no_data", 1, None)}


def test_a_script_that_forges_its_metrics_promotes_nothing(portal: ServedPortal, scientist: Person) -> None:
    """It reports no error at all; what the evaluator measured decides."""
    wanted = {"pipeline": "fail-on-purpose", "family": FAMILY, "segments": ["atlanta", "boston"]}
    request = scientist.post("requests/", wanted | {"parameters": {"mode": "zero-mae"}})
    assert wait_until_over(portal, scientist, request)["status"] == "finished"
    runs = scientist.all(f"segment-runs/?request={request['id']}")
    assert [scientist.get(f"runs/{run['run']}/")["reported"]["mae"] for run in runs] == [0, 0]
    portal.wait_for(lambda: all_evaluated(scientist, runs))
    forged = [row for run in runs for row in scientist.all(f"versions/?run={run['run']}")]
    refusal = scientist.refused(
        "promotions/", {"family": FAMILY, "versions": [row["id"] for row in forged], "reason": "No error at all!"}
    )
    assert refusal.status == 409
    assert set(refusal.body["errors"]) == {"eta-trip.atlanta", "eta-trip.boston"}
    assert all("min worse than v" in sentence for sentence in refusal.body["errors"].values())
    assert [row["aliases"] for row in forged] == [[], []]


def test_an_operator_sees_workers_cancels_what_runs_and_retries_only_what_failed(
    portal: ServedPortal, scientist: Person, operator: Person
) -> None:
    workers = {tuple(worker["queues"]): worker for worker in operator.all("workers/")}
    assert set(workers) == {("control",), ("work",), ("outgoing",)}
    assert all(worker["alive"] for worker in workers.values())
    assert {row["status"] for row in operator.all("queues/")} == {"waiting", "sent", "running"}
    operator_cancels_what_runs(portal, scientist, operator)
    operator_retries_only_what_failed(portal, scientist, operator)


def operator_cancels_what_runs(portal: ServedPortal, scientist: Person, operator: Person) -> None:
    drill = {"pipeline": "fail-on-purpose", "family": FAMILY, "segments": ["atlanta", "austin", "boston"]}
    request = scientist.post("requests/", drill | {"parameters": {"mode": "timeout"}})
    portal.wait_for(lambda: scientist.get(f"requests/{request['id']}/")["progress"]["running"] > 0)
    stopping = operator.post(f"requests/{request['id']}/cancel/", {"reason": "It hangs."})
    assert stopping["stopping"]
    ended = wait_until_over(portal, scientist, request)
    assert (ended["status"], ended["progress"]["cancelled"]) == ("cancelled", 3)
    late = operator.refused(f"requests/{request['id']}/cancel/", {})
    assert (late.status, "already over" in late.sentence) == (409, True)


def operator_retries_only_what_failed(portal: ServedPortal, scientist: Person, operator: Person) -> None:
    drill = {"pipeline": "fail-on-purpose", "family": FAMILY, "segments": ["atlanta", "boston"]}
    request = scientist.post("requests/", drill | {"parameters": {"mode": "exception"}})
    ended = wait_until_over(portal, scientist, request)
    assert ended["status"] == "failed"
    assert [(row["cause"], row["count"]) for row in ended["failures"]] == [("exit", 2)]
    assert "asked to fail with an exception" in ended["failures"][0]["reason"]
    again = operator.post(f"requests/{request['id']}/retry-failed/")
    assert (again["status"], again["progress"]["failed"]) == ("running", 0)
    wait_until_over(portal, scientist, request)
    runs = scientist.all(f"segment-runs/?request={request['id']}")
    attempts = [scientist.get(f"segment-runs/{run['id']}/")["attempts"] for run in runs]
    assert [len(rows) for rows in attempts] == [2, 2]
    assert "RuntimeError" in operator.get(f"segment-runs/{runs[0]['id']}/log/")["log"]


def test_a_manager_reads_the_approved_tools_and_the_decision_behind_one(portal: ServedPortal) -> None:
    manager = portal.person("manager", "read")
    tools = manager.all("tools/")
    assert {"adopt", "trial"} <= {tool["position"]["ring"] for tool in tools if tool["position"]}
    feast = manager.get("tools/feast/")
    assert feast["position"]["owner"]
    decision = manager.get(f"decisions/{feast['position']['decision']}/")
    assert decision["status"] == "accepted"
    assert [option["tool"] for option in decision["options"] if option["chosen"]] == ["feast"]


def wait_until_over(portal: ServedPortal, person: Person, request: Row) -> Row:
    """Polls as a script of a user's would."""
    portal.wait_for(lambda: person.get(f"requests/{request['id']}/")["status"] in OVER)
    ended: Row = person.get(f"requests/{request['id']}/")
    return ended


def audited(portal: ServedPortal) -> Counter[str]:
    """How often the history of the family tells of each action."""
    told = f"SELECT action, count(*) FROM audit_auditevent WHERE family = '{FAMILY}' GROUP BY action"
    return Counter(dict(portal.select(told)))
