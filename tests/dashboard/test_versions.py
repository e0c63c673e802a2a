"""The pages of one segment and of one version."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.registry.actions import approve, propose, rollback
from apps.registry.models import ModelFamily, ModelVersion
from apps.retraining import actions as retraining
from tests.conftest import signed_in
from tests.dashboard.test_families import shown, words
from tests.retraining.conftest import Submit, claim_of, pipeline, pipelines_folder, submit, success

__all__ = ["pipeline", "pipelines_folder", "submit"]

Cities = Callable[[int], list[str]]
Make = Callable[..., dict[str, ModelVersion]]
CITY = "/m/eta-trip/city-0/"


@pytest.fixture
def second_champion(
    family: ModelFamily, cities: Cities, champions: Make, candidates: Make, colleague: User, approver: User
) -> ModelVersion:
    """City 0 with v1, then v2 as its champion."""
    champions(cities(1))
    made = candidates(["city-0"])["city-0"]
    wave = propose(actor=colleague, family=family, versions=[made], reason="Summer is another season.")
    approve(actor=approver, wave=wave, digest=wave.digest)
    return made


def test_a_segment_shows_champion_and_candidate_with_what_the_gates_say(
    owner: User, cities: Cities, champions: Make, candidates: Make
) -> None:
    champions(cities(1))
    candidates(["city-0"])
    told = words(shown(owner, CITY))
    assert "v1 Trained on 1 Jan – 31 Mar 2013 · 122 days old" in told
    assert "9.00 min ▲ 2.00 worse than the plain baseline (7.00)" in told
    assert "6.00 min on July 2013 ▼ 3.00 better than the champion" in told
    assert "It is 3 min better than v1" in told
    assert "Promote v2" in told


def test_reported_and_evaluated_stand_beside_each_other(
    owner: User, cities: Cities, submit: Submit, measure: Callable[..., None], tmp_path: Path
) -> None:
    cities(1)
    request = submit("city-0")
    retraining.finish(claim=claim_of(request, "city-0"), outcome=success(tmp_path, **{"metrics.json": '{"mae": 0.01}'}))
    measure([ModelVersion.objects.get()], 8.0)
    told = words(shown(owner, CITY))
    assert "only what was evaluated decides" in told
    assert re.search(r"0\.01 8\.00 Jul 2013, 90 rows", told)
    version = words(shown(owner, f"{CITY}v1/"))
    assert "No gate ever reads it. mae 0.01" in version
    assert "This decides. v1 8.00 min" in version


def test_the_months_are_drawn_and_stand_in_a_table_too(owner: User, cities: Cities, champions: Make) -> None:
    champions(cities(1))
    page = shown(owner, CITY)
    assert '<path class="series series-1"' in page
    assert "Month Champion v1 Plain baseline Jul 2013 9.00 7.00" in words(page)


def test_the_former_champion_stays_in_the_picture(owner: User, second_champion: ModelVersion) -> None:
    told = words(shown(owner, CITY))
    assert "Month Champion v2 Former champion v1 Plain baseline Jul 2013 6.00 9.00 7.00" in told


def test_the_history_says_who_and_why_and_offers_the_way_back_to_leads(
    owner: User, approver: User, second_champion: ModelVersion
) -> None:
    told = words(shown(approver, CITY))
    assert re.search(r"Approver promoted v2 over v1 by promotion #\d+", told)
    assert "Summer is another season." in told
    assert "/promotions/roll-back/?family=eta-trip&amp;segment=city-0" in shown(approver, CITY)
    assert "roll-back" not in shown(owner, CITY)


def test_what_was_rolled_back_is_no_candidate_and_has_served(
    owner: User, approver: User, family: ModelFamily, second_champion: ModelVersion
) -> None:
    rollback(actor=approver, family=family, versions=[second_champion], reason="It crashed at night.")
    told = words(shown(owner, CITY))
    assert "rolled back from v2 to v1" in told
    assert "It crashed at night." in told
    assert "v2 is newer and was rolled back" in told
    assert "Retrain to make a new candidate." in told
    assert "v2 was rolled back; retrain for a new candidate" in words(shown(owner, "/m/eta-trip/?view=table"))
    assert "No version is newer" not in told
    assert "Served before" in shown(owner, f"{CITY}v2/")


def test_an_empty_segment_is_honest(owner: User, cities: Cities) -> None:
    cities(1)
    told = words(shown(owner, CITY))
    assert "No champion yet Nothing has been trained for this segment." in told
    assert "Never retrained here" in told


def test_a_segment_or_version_that_is_not_there_is_missing(owner: User, cities: Cities, champions: Make) -> None:
    champions(cities(1))
    for address in ("/m/eta-trip/atlantis/", f"{CITY}v2/", f"{CITY}v99999999999/", "/m/nothing/city-0/"):
        assert signed_in(owner).get(address).status_code == 404, address


def test_a_version_shows_its_interval_days_gates_and_parameters(
    owner: User, cities: Cities, champions: Make, register: Make, measure: Callable[..., None]
) -> None:
    champions(cities(1))
    made = register(["city-0"], parameters={"alpha": 10.0, "features": ["hour", "origin"]})
    measure(list(made.values()), 6.0)
    page = shown(owner, f"{CITY}v2/")
    told = words(page)
    assert "2.50 to 3.50 min better" in told
    assert "90 rows, 20 days, 1 Jul – 31 Jul 2013" in told
    assert "It was compared on 90 rows on 20 days." in told
    assert "v1 was trained" not in told
    assert "1 Jul 6.00 9.00" in told
    assert re.search(r"alpha 10\.0 1\.0 features hour, origin – ", told)


def test_files_can_be_downloaded_as_they_were_stored(owner: User, cities: Cities, champions: Make) -> None:
    version = champions(cities(1))["city-0"]
    page = shown(owner, f"{CITY}v1/")
    address = f"/api/v1/versions/{version.pk}/files/model.json"
    assert address in page
    response = signed_in(owner).get(address)
    assert json.loads(b"".join(response.streaming_content)) == {}  # type: ignore[attr-defined]
    assert "attachment" in response["Content-Disposition"]


def test_a_champion_shows_what_it_was_promoted_by(owner: User, second_champion: ModelVersion) -> None:
    told = words(shown(owner, f"{CITY}v2/"))
    assert re.search(r"Promotion #\d+ to champion Colleague: Summer is another season\.", told)
    assert "Applied" in told
    assert "api/v1/versions/" in told


def test_a_version_page_stays_within_its_queries(
    approver: User, second_champion: ModelVersion, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    browser = signed_in(approver)
    browser.get(f"{CITY}v2/")
    with django_assert_max_num_queries(25):  # type: ignore[attr-defined]
        browser.get(f"{CITY}v2/")
