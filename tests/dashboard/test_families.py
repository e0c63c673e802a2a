"""The list of families and the page of one: contents, filters, actions on many, who sees what, how many queries."""

import csv
import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.dashboard.queries import family_line
from apps.platforms.base import End, Outcome
from apps.registry.actions import approve, freeze, propose, report_serving, set_labelled_until, update_family
from apps.registry.models import Evaluation, ModelFamily, ModelVersion, Segment
from apps.registry.queries import families
from apps.retraining import actions as retraining
from apps.retraining.models import Pipeline
from tests.conftest import api, signed_in
from tests.retraining.conftest import Submit, claim_of, pipeline, pipelines_folder, submit, success

__all__ = ["pipeline", "pipelines_folder", "submit"]

Cities = Callable[[int], list[str]]
Make = Callable[..., dict[str, ModelVersion]]
FLEET = "/m/eta-trip/"
TABLE = f"{FLEET}?view=table"
MOST_QUERIES = 25


def shown(user: User, address: str = FLEET, **headers: str) -> str:
    response = signed_in(user).get(address, headers=headers)
    assert response.status_code == 200, response.content[:300]
    return response.content.decode()


def words(page: str) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<(svg|title).*?</\1>", " ", page, flags=re.S)).split())


def rows_of(page: str) -> list[str]:
    """The slugs of the map's cells, or of the table's rows, in order."""
    return re.findall(r'name="segment" value="([\w-]+)"', page)


def ticked(page: str) -> list[str]:
    return re.findall(r'name="segment" value="([\w-]+)"[^>]* checked', page)


# the list


def test_the_list_shows_how_each_family_does(owner: User, cities: Cities, champions: Make) -> None:
    champions(cities(3)[:2])
    told = words(shown(owner, "/models/"))
    assert "Trip ETA" in told
    assert "2 of 3" in told
    assert "9.00 min ▲ 2.00 worse" in told
    assert "2 of 2" in told
    assert "122 days Stale" in told


def test_the_list_is_honest_when_there_is_nothing(admin: User, stranger: User) -> None:
    assert "Create the first one." in words(shown(admin, "/models/"))
    assert "A platform admin creates families" in words(shown(stranger, "/models/"))


def test_a_restricted_family_does_not_exist_for_a_stranger(
    owner: User, stranger: User, cities: Cities, restricted: ModelFamily
) -> None:
    cities(1)
    assert "Trip ETA" in shown(owner, "/models/")
    assert "Trip ETA" not in shown(stranger, "/models/")
    for address in (
        FLEET, f"{FLEET}fleet.csv", f"{FLEET}?tab=activity", f"{FLEET}city-0/", f"{FLEET}city-0/v1/",
        "/models/eta-trip/promote/?all=passes", "/models/eta-trip/retrain/?segment=city-0",
    ):  # fmt: skip
        assert signed_in(stranger).get(address).status_code == 404, address
    assert signed_in(stranger).post("/models/eta-trip/evaluate/").status_code == 404


# the head


@pytest.mark.parametrize("tab", ["fleet", "runs", "activity", "settings"])
def test_every_tab_begins_with_owner_health_means_and_freshness(
    owner: User, colleague: User, approver: User, family: ModelFamily, cities: Cities, champions: Make, tab: str
) -> None:
    champions(cities(3)[:2])
    update_family(actor=approver, family=family, on_call=[colleague])
    freeze(
        actor=approver, family=family, reason="The feature store is down.", until=timezone.now() + timedelta(hours=1)
    )
    told = words(shown(owner, f"{FLEET}?tab={tab}"))
    assert "Tier 1 Frozen" in told
    assert "Team Rides ETA On call: Colleague" in told
    assert "Health, Jul 2013 2 of 2 champions do worse than the plain baseline" in told
    assert "Mean MAE 9.00 min the plain baseline 7.00" in told
    assert "Typical age 122 days 2 of 2 stale, over 90 days" in told
    assert "Open promotions 0" in told
    assert "Trip ETA is frozen until" in told


def test_the_weighted_mean_counts_rows_where_the_plain_one_counts_cities(
    owner: User, approver: User, colleague: User, family: ModelFamily, cities: Cities, champions: Make,
    register: Make, measure: Any,
) -> None:  # fmt: skip
    busy, quiet = cities(2)
    champions([busy], mae=8.0)
    version = register([quiet])[quiet]
    measure([version], 12.0, rows=30)
    wave = propose(actor=colleague, family=family, versions=[version], reason="The first one")
    approve(actor=approver, wave=wave, digest=wave.digest)
    line = family_line(actor=owner, family=families(owner).get())
    assert line.plain
    assert line.weighted
    assert (line.plain.metric, line.plain.baseline) == (10.0, 7.0)
    assert line.weighted.metric == (90 * 8.0 + 30 * 12.0) / 120


def test_a_champion_that_only_its_rival_s_evaluation_measured_counts_too(
    owner: User, approver: User, family: ModelFamily, cities: Cities, champions: Make, candidates: Make
) -> None:
    champions(cities(1), mae=8.0)
    set_labelled_until(actor=approver, family=family, day=date(2013, 8, 31))
    assert family_line(actor=owner, family=families(owner).get()).measured == 0
    candidates(["city-0"])
    line = family_line(actor=owner, family=families(owner).get())
    assert line.plain
    assert (line.measured, line.plain.metric) == (1, 9.0)


# the fleet


def test_the_page_says_first_how_the_fleet_is_and_what_can_be_done(
    owner: User, cities: Cities, champions: Make, candidates: Make
) -> None:
    slugs = cities(4)
    champions(slugs[:3])
    candidates(slugs[:2])
    told = words(shown(owner))
    assert "Jul 2013 3 of 3 champions do worse than the plain baseline" in told
    assert "2 candidates can be promoted" in told
    assert "Promote all 2 One approval by a lead of Rides ETA." in told
    assert told.index("champions do worse") < told.index("City 0")


def test_a_row_has_champion_age_metrics_and_the_verdict(
    owner: User, cities: Cities, champions: Make, candidates: Make
) -> None:
    champions(cities(1))
    candidates(["city-0"])
    told = words(shown(owner, TABLE))
    assert "City 0 GA v1 stale, 122 d 9.00 ▲ 2.00 worse v2 6.00 ▼ 3.00 better Passed 90 rows on 20 days – –" in told


def test_the_map_is_the_table_in_cells(owner: User, cities: Cities, champions: Make, candidates: Make) -> None:
    slugs = cities(4)
    champions(slugs[:1], mae=8.0)
    champions(slugs[1:2], mae=12.0)
    candidates(slugs[:1])
    page = shown(owner, f"{FLEET}?tick=2")
    assert rows_of(page) == rows_of(shown(owner, TABLE)) == ["city-1", "city-0", "city-2", "city-3"]
    assert ticked(page) == ["city-1", "city-0"]
    assert "City 1 ■ +71 % City 0 ◆ +14 % ✓ City 2 ○ – City 3 ○ –" in words(page)
    assert "City 0 ● −33 %" in words(shown(owner, f"{FLEET}?show=champion"))
    by_region = words(shown(owner, f"{FLEET}?group=region"))
    assert "GA 2 City 0 ◆ +14 % ✓ City 2 ○ – MA 2 City 1 ■ +71 % City 3" in by_region


def test_a_segment_shows_its_last_run_and_its_alarms(
    owner: User, family: ModelFamily, cities: Cities, champions: Make, submit: Submit
) -> None:
    champions(cities(2))
    retraining.finish(
        claim=claim_of(submit("city-1"), "city-1"), outcome=Outcome(End.FAILED, "", "It crashed.", 1.0, {}, "")
    )
    city = Segment.objects.get(slug="city-0")
    for kind in ("drift", "volume"):
        report = {"kind": kind, "verdict": "alarm", "description": "Half is missing."}
        retraining.receive_signal(actor=owner, family=family, segment=city, source="api", report=report)
    fine = {"kind": "volume", "verdict": "fine", "description": "All there."}
    retraining.receive_signal(actor=owner, family=family, segment=city, source="api", report=fine)
    assert "City 0 ◆ 1 ! City 1 ● 0 ✗" in words(shown(owner, f"{FLEET}?show=signals"))
    assert "City 1 ◆ 0 min ✗ City 0 ○ – !" in words(shown(owner, f"{FLEET}?show=run"))
    assert rows_of(shown(owner, f"{FLEET}?state=alarms")) == ["city-0"]
    assert rows_of(shown(owner, f"{FLEET}?state=run-failed")) == ["city-1"]
    page = shown(owner, TABLE)
    assert "Half is missing." in page
    assert "Failed –" in words(page)
    assert "– drift" in words(page)


def test_a_row_that_fails_says_why(owner: User, cities: Cities, champions: Make, candidates: Make) -> None:
    champions(cities(1))
    candidates(["city-0"], mae=9.8)
    told = words(shown(owner, TABLE))
    assert "Not passed It is 0.8 min worse than v1, not better" in told
    assert "No candidate passes: keep the champions" in told


def test_an_empty_cell_says_that_its_training_had_no_data(
    owner: User, cities: Cities, submit: Submit, tmp_path: Path
) -> None:
    cities(1)
    reason = "Only 2 of the 60 rows needed."
    retraining.finish(claim=claim_of(submit("city-0"), "city-0"), outcome=Outcome(End.NO_DATA, "", reason, 1.0, {}, ""))
    assert f"No champion yet: {reason}" in words(shown(owner, TABLE))
    assert f"no champion yet: {reason}" in shown(owner)


def test_the_worst_comes_first_and_a_head_turns_the_order_round(owner: User, cities: Cities, champions: Make) -> None:
    slugs = cities(3)
    champions(slugs[:1], mae=8.0)
    champions(slugs[1:2], mae=12.0)
    assert rows_of(shown(owner)) == ["city-1", "city-0", "city-2"]
    assert rows_of(shown(owner, f"{FLEET}?sort=newest")) == ["city-0", "city-1", "city-2"]
    assert rows_of(shown(owner, f"{FLEET}?sort=-segment")) == ["city-2", "city-1", "city-0"]


def test_filters_stand_in_the_address_and_add_up(
    owner: User, cities: Cities, champions: Make, candidates: Make
) -> None:
    slugs = cities(4)
    champions(slugs[:3])
    candidates(slugs[:2])
    candidates(slugs[2:3], mae=9.8)
    assert rows_of(shown(owner, f"{FLEET}?state=passes")) == ["city-0", "city-1"]
    assert rows_of(shown(owner, f"{FLEET}?state=fails")) == ["city-2"]
    assert rows_of(shown(owner, f"{FLEET}?state=empty")) == ["city-3"]
    assert rows_of(shown(owner, f"{FLEET}?state=passes&q=ma")) == ["city-1"]
    assert rows_of(shown(owner, f"{FLEET}?group=region&sort=segment")) == ["city-0", "city-2", "city-1", "city-3"]
    assert "No segment matches" in shown(owner, f"{FLEET}?q=zanzibar")


@pytest.mark.parametrize("query", ["state=bad", "sort=mood", "request=x", "tab=moon"])
def test_an_address_that_makes_no_sense_gets_a_sentence(owner: User, family: ModelFamily, query: str) -> None:
    response = signed_in(owner).get(f"{FLEET}?{query}")
    assert response.status_code == 400
    assert re.search(r"There is no|A request has a number", response.content.decode())


def test_only_what_a_request_made_is_shown_when_asked(
    owner: User, cities: Cities, champions: Make, submit: Submit, tmp_path: Path
) -> None:
    champions(cities(3))
    request = submit("city-1")
    retraining.finish(claim=claim_of(request, "city-1"), outcome=success(tmp_path))
    page = shown(owner, f"{FLEET}?request={request.pk}")
    assert rows_of(page) == ["city-1"]
    assert "1 candidate." in words(page)
    assert signed_in(owner).get(f"{FLEET}?request=999").status_code == 404


def test_what_waits_for_approval_links_to_its_promotion(
    owner: User, family: ModelFamily, cities: Cities, champions: Make, candidates: Make
) -> None:
    champions(cities(1))
    made = candidates(["city-0"])
    wave = propose(actor=owner, family=family, versions=list(made.values()), reason="Summer")
    page = shown(owner, TABLE)
    assert f'href="/promotions/{wave.pk}/"' in page
    assert "1 candidate waits for approval" in words(page)
    assert "Summer" in shown(owner, f"{FLEET}?tab=activity")


def test_names_are_escaped(owner: User, family: ModelFamily, admin: User) -> None:
    from apps.registry.actions import SegmentSpec, add_segments

    add_segments(actor=admin, family=family, segments=[SegmentSpec("x", "<script>alert(1)</script>", "<b>")])
    page = shown(owner)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


# acting on many


def test_buttons_are_for_those_who_may(
    owner: User, approver: User, stranger: User, cities: Cities, champions: Make, candidates: Make
) -> None:
    champions(cities(1))
    candidates(["city-0"])
    assert {"Promote ticked", "Retrain ticked"} <= set(re.findall(r"\w+ ticked", shown(owner)))
    assert "Roll back ticked" not in shown(owner)
    assert "Roll back ticked" in shown(approver)
    assert not re.search(r"Promote|ticked|checkbox", shown(stranger).split('id="fleet"')[1].split("</form>")[-2])


def test_all_that_pass_go_to_the_promotion_page(owner: User, cities: Cities, champions: Make, candidates: Make) -> None:
    slugs = cities(3)
    champions(slugs)
    made = candidates(slugs[:2])
    candidates(slugs[2:], mae=9.8)
    response = signed_in(owner).get("/models/eta-trip/promote/?all=passes")
    ids = "&".join(f"version={made[slug].pk}" for slug in slugs[:2])
    assert response["Location"] == f"/promotions/new/?family=eta-trip&{ids}"
    assert signed_in(owner).get(response["Location"]).status_code == 200


def test_ticked_rows_go_with_their_candidates_and_those_without_are_named(
    owner: User, cities: Cities, champions: Make, candidates: Make
) -> None:
    slugs = cities(3)
    champions(slugs)
    made = candidates(slugs[:2])
    response = signed_in(owner).get("/models/eta-trip/promote/?family=eta-trip&segment=city-1&segment=city-2")
    assert response["Location"] == f"/promotions/new/?family=eta-trip&version={made['city-1'].pk}&segment=city-2"


def test_ticked_rows_go_to_the_form_that_trains_them(owner: User, cities: Cities) -> None:
    cities(3)
    response = signed_in(owner).get("/models/eta-trip/retrain/?family=eta-trip&segment=city-2&segment=city-0")
    assert response["Location"] == "/retraining/new/?family=eta-trip&segments=city-0%2Ccity-2"


def test_the_form_is_that_of_the_pipeline_that_trained_their_champions(
    owner: User, cities: Cities, champions: Make, register: Make, measure: Any, colleague: User, approver: User,
    family: ModelFamily, pipeline: Pipeline,
) -> None:  # fmt: skip
    trained = register(cities(3)[:2], pipeline=pipeline.slug)
    measure(list(trained.values()), 9.0)
    wave = propose(actor=colleague, family=family, versions=list(trained.values()), reason="first ones")
    approve(actor=approver, wave=wave, digest=wave.digest)
    browser = signed_in(owner)
    response = browser.get("/models/eta-trip/retrain/?family=eta-trip&segment=city-0&segment=city-2")
    assert response["Location"] == "/retraining/new/toy/?family=eta-trip&segments=city-0%2Ccity-2"
    form = browser.get(response["Location"]).content.decode()
    assert 'href="/retraining/new/?family=eta-trip&amp;segments=city-0%2Ccity-2"' in form


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("", 400, "Tick at least one segment first."),
        ("segment=atlantis", 400, "There is no segment atlantis here."),
        ("segment=city-0", 409, "None of these segments has a candidate to promote."),
    ],
)
def test_nothing_to_promote_is_said(owner: User, cities: Cities, query: str, status: int, sentence: str) -> None:
    cities(1)
    response = signed_in(owner).get(f"/models/eta-trip/promote/?{query}")
    assert response.status_code == status
    assert sentence in response.content.decode()


def test_what_passes_can_come_ticked(owner: User, cities: Cities, champions: Make, candidates: Make) -> None:
    slugs = cities(3)
    champions(slugs)
    candidates(slugs[1:])
    assert ticked(shown(owner)) == []
    assert ticked(shown(owner, f"{FLEET}?tick=passes")) == ["city-1", "city-2"]


def test_evaluate_asks_for_all_that_is_not_evaluated_on_the_newest_month(
    owner: User, approver: User, family: ModelFamily, cities: Cities, champions: Make, register: Make
) -> None:
    champions(cities(2))
    register(["city-0"])
    set_labelled_until(actor=approver, family=family, day=date(2013, 8, 31))
    assert "Evaluate 3 on the newest month" in words(shown(owner))
    answer = signed_in(owner).post("/models/eta-trip/evaluate/", follow=True)
    assert answer.redirect_chain == [(FLEET, 302)]
    assert "3 evaluations on August 2013 asked for" in words(answer.content.decode())
    assert Evaluation.objects.filter(status="waiting", window_last=date(2013, 8, 31)).count() == 3


def test_a_stranger_can_not_have_anything_evaluated(stranger: User, cities: Cities, register: Make) -> None:
    register(cities(1))
    assert signed_in(stranger).post("/models/eta-trip/evaluate/").status_code == 403
    assert not Evaluation.objects.exists()


# while something is made


def test_the_page_asks_again_while_candidates_are_evaluated(
    owner: User, family: ModelFamily, cities: Cities, champions: Make, candidates: Make, register: Make, ask: Any
) -> None:
    slugs = cities(2)
    champions(slugs)
    candidates(slugs[:1])
    ask(family, list(register(slugs[1:], trained_through=date(2013, 6, 30)).values()))
    page = shown(owner)
    assert 'hx-trigger="every 2s"' in page
    assert "1 of 2" in words(page)
    assert "Evaluating" in words(page)


def test_when_all_is_evaluated_the_live_line_stops_and_calls_the_fleet(
    owner: User, cities: Cities, champions: Make
) -> None:
    champions(cities(1))
    response = signed_in(owner).get(FLEET, headers={"hx-request": "true", "hx-target": "live"})
    assert response["HX-Trigger"] == "fleet-changed"
    assert "every 2s" not in response.content.decode()
    assert "<html" not in response.content.decode()
    fleet = signed_in(owner).get(FLEET, headers={"hx-request": "true", "hx-target": "fleet"}).content.decode()
    assert rows_of(fleet) == ["city-0"]
    assert "<html" not in fleet


def test_an_open_request_is_named_and_its_rows_marked(owner: User, cities: Cities, submit: Submit) -> None:
    cities(2)
    request = submit("city-0")
    told = words(shown(owner))
    assert f"Request # {request.pk}" in told or f"Request #{request.pk}" in told
    assert "is retraining 1 segment;" in told
    assert told.count("Retraining") >= 2  # the rail, the row


# the other tabs, the file


def test_activity_tells_what_was_done_to_many_at_once_in_one_line(owner: User, cities: Cities, champions: Make) -> None:
    champions(cities(5))
    told = words(shown(owner, f"{FLEET}?tab=activity"))
    assert "Approver promoted eta-trip.city-4 v1 and 4 more" in told
    assert told.count("promoted eta-trip") == 1


def test_the_runs_tab_lists_the_requests_of_the_family(owner: User, cities: Cities, submit: Submit) -> None:
    cities(2)
    request = submit(reason="A new season")
    told = words(shown(owner, f"{FLEET}?tab=runs"))
    assert f"#{request.pk} Toy A new season" in told
    assert "0 of 2 succeeded" in told


def test_the_file_has_what_the_filters_leave(owner: User, cities: Cities, champions: Make, candidates: Make) -> None:
    slugs = cities(3)
    champions(slugs)
    candidates(slugs[:2])
    response = signed_in(owner).get(f"{FLEET}fleet.csv?state=passes")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="eta-trip-fleet.csv"'
    lines = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert [line["segment"] for line in lines] == ["city-0", "city-1"]
    told = [lines[0][name] for name in ("champion_on_newest", "candidate_metric", "verdict")]
    assert told == ["9.0", "6.0", "passes"]


def test_the_api_answers_what_the_page_shows(
    owner: User, stranger: User, cities: Cities, champions: Make, candidates: Make, submit: Submit
) -> None:
    slugs = cities(4)
    champions(slugs[:1], mae=7.5)
    champions(slugs[1:2], mae=12.0)
    candidates(slugs[:1])
    reason = "Only 2 of the 60 rows needed."
    retraining.finish(claim=claim_of(submit("city-2"), "city-2"), outcome=Outcome(End.NO_DATA, "", reason, 1.0, {}, ""))
    client, address = api(owner), "/api/v1/families/eta-trip/fleet/"
    rows = client.get(address).json()
    assert [row["segment"] for row in rows] == rows_of(shown(owner)) == ["city-1", "city-0", "city-2", "city-3"]
    assert [(row["state"], row["worse_by"]) for row in rows[:2]] == [("no-candidate", 5 / 7), ("passes", 0.5 / 7)]
    assert (rows[2]["last_run"]["status"], rows[2]["last_run"]["reason"], rows[2]["alarms"]) == ("no_data", reason, [])
    assert rows[1]["candidate"]["pipeline"] == "eta-ridge"
    for query in ("over=10", "state=passes", "q=city+3", "sort=segment", "show=age", "group=region"):
        told = [row["segment"] for row in client.get(f"{address}?{query}").json()]
        assert told == rows_of(shown(owner, f"{FLEET}?{query}")), query
    wrong = client.get(f"{address}?over=much")
    assert (wrong.status_code, wrong.json()["message"]) == (400, "Say a number of percent, such as 10.")


def test_a_version_says_by_how_many_it_is_still_loaded(
    owner: User, colleague: User, stranger: User, family: ModelFamily, cities: Cities, champions: Make, candidates: Make
) -> None:
    was = champions(cities(1))["city-0"]
    for person, place in ((owner, "eta-api"), (colleague, "eta-api"), (colleague, "batch")):
        report_serving(actor=person, version=was, place=place)
    new = candidates(["city-0"])["city-0"]
    for address in (f"{FLEET}city-0/", "/models/eta-trip/versions/"):
        assert "loaded by 3" in words(shown(owner, address))
        assert "still loaded by" not in words(shown(owner, address))
    report_serving(actor=owner, version=new, place="trial")
    for address in (f"{FLEET}city-0/", "/models/eta-trip/versions/"):
        page = shown(owner, address)
        assert "still loaded by 1" in words(page)
        assert 'href="/models/eta-trip/unused/"' in page


# how much it costs


@pytest.mark.parametrize("count", [5, 60])
@pytest.mark.parametrize("address", [FLEET, TABLE, f"{FLEET}fleet.csv", "/models/", f"{FLEET}city-1/"])
def test_a_page_needs_no_more_queries_for_more_segments(
    approver: User, cities: Cities, champions: Make, candidates: Make, submit: Submit,
    django_assert_max_num_queries: Any, count: int, address: str,
) -> None:  # fmt: skip
    slugs = cities(count)
    champions(slugs[1:])
    candidates(slugs[1::2])
    submit()
    browser = signed_in(approver)
    browser.get(address)
    with django_assert_max_num_queries(MOST_QUERIES):
        browser.get(address)
