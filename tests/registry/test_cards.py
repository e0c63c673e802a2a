"""Model cards: what the record fills in, what a tier asks for, who writes, and the forms that others read."""

import html
import json
import re
from collections.abc import Callable

import pytest
import yaml
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict
from apps.registry.actions import fill_card, fill_family_card, set_gates
from apps.registry.cards import as_google, as_markdown, digest_of, required_fields
from apps.registry.gates import GateSpec
from apps.registry.models import ModelFamily, ModelVersion, Segment
from apps.registry.queries import candidacies, card_of
from apps.tracking.actions import create_experiment, create_run, log_inputs
from apps.tracking.points import UsedDataset
from tests.conftest import api, signed_in
from tests.registry.conftest import Evaluate, MakeVersion

CARD, FAMILY_CARD = "/m/eta-trip/atlanta/v2/card/", "/models/eta-trip/card/"
SIGNATURE = {"inputs": [{"name": "distance_mi", "type": "double"}], "outputs": [{"type": "double"}]}
PROVENANCE = {"commit": "0123456789abcdef", "clean": True, "data_digest": "sha256:1234"}
TRAINING = {"mlflow.data.context": "training"}
WORDS = {"purpose": "To say when you **arrive**.", "users": "Dispatchers.", "limits": "No snow.", "risks": "Late food."}


@pytest.fixture
def candidate(
    make_champion: MakeVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
    atlanta: Segment,
    family: ModelFamily,
    owner: User,
) -> ModelVersion:
    """Version 2 of a run that names its data, with signature and provenance, evaluated; nobody wrote on its card."""
    make_champion(atlanta)
    experiment = create_experiment(actor=owner, name="cards", tags={})
    run = create_run(actor=owner, experiment=experiment, name="atlanta spring", tags={"mlflow.source.name": "train.py"})
    log_inputs(actor=owner, run=run, datasets=[UsedDataset("trips", "ab12", "local", "lake", tags=TRAINING)])
    files = {"signature.json": json.dumps(SIGNATURE), "provenance.json": json.dumps(PROVENANCE)}
    version = make_version(atlanta, files=files, run=run)
    evaluate(version)
    ModelFamily.objects.filter(pk=family.pk).update(description="Minutes to the door.")
    return ModelVersion.objects.whole().get(pk=version.pk)


def field(card: object, name: str) -> object:
    return next(one for one in card.said if one.field.name == name)  # type: ignore[attr-defined]


def test_the_record_fills_at_least_sixty_percent_before_anybody_writes(owner: User, candidate: ModelVersion) -> None:
    card = card_of(actor=owner, version=candidate)
    assert card.share >= 60, [one.field.name for one in card.said if not one.text]
    assert {one.source for one in card.said} == {"record", ""}
    assert card.text("overview") == "Minutes to the door."
    assert card.text("against_champion") == "3.00 min better than v1 (90 % interval 2.50 to 3.50)."
    assert card.text("evaluation_data") == "1 Jul – 31 Jul 2013, 90 rows on 20 days, data `sha256:000000000000`"
    assert card.text("input_format") == "`distance_mi` double"
    assert "commit 0123456789abcdef" in card.text("references")


def test_a_tier_asks_for_more_the_more_a_mistake_costs_and_the_family_may_name_its_own() -> None:
    assert [len(required_fields(tier, [])) for tier in (1, 2, 3, 4)] == [4, 2, 1, 0]
    assert required_fields(1, ["known limits"]) == ("known limits",)


def test_the_familys_words_count_for_every_version_and_its_own_come_first(
    owner: User, approver: User, family: ModelFamily, candidate: ModelVersion
) -> None:
    set_gates(actor=approver, family=family, gates=[GateSpec("card")])
    family.refresh_from_db()
    (before,) = candidacies(family, [candidate])[0].verdicts
    assert "does not say purpose, users, limits and 1 more" in before.sentence or before.outcome == "fail"
    fill_family_card(actor=owner, family=family, card=WORDS)
    fill_card(actor=owner, version=candidate, card={"limits": "No fog either."})
    (after,) = candidacies(family, [candidate])[0].verdicts
    assert after.outcome == "pass"
    candidate.model.its_family.card = family.card
    card = card_of(actor=owner, version=candidate)
    assert (card.text("limits"), card.text("users"), card.missing) == ("No fog either.", "Dispatchers.", [])


def test_who_edits_an_older_card_is_told_and_every_edit_is_kept(owner: User, candidate: ModelVersion) -> None:
    seen = digest_of({})
    fill_card(actor=owner, version=candidate, card={"purpose": "Arrivals."}, seen=seen)
    with pytest.raises(Conflict, match="meanwhile"):
        fill_card(actor=owner, version=candidate, card={"purpose": "Departures."}, seen=seen)
    assert ModelVersion.objects.get(pk=candidate.pk).card == {"purpose": "Arrivals."}
    event = AuditEvent.objects.get(action="registry.card_filled")
    assert (event.before, event.after) == ({}, {"purpose": "Arrivals."})


def test_hugging_face_and_google_read_it(owner: User, candidate: ModelVersion, family: ModelFamily) -> None:
    ModelVersion.objects.filter(pk=candidate.pk).update(card={**WORDS, "licence": "apache-2.0"})
    version = ModelVersion.objects.whole().get(pk=candidate.pk)
    text = as_markdown(card_of(actor=owner, version=version))
    _, front, body = text.split("---\n", 2)
    head = yaml.safe_load(front)
    assert head["license"] == "apache-2.0"
    assert (head["metrics"], head["datasets"]) == (["mae"], ["trips"])
    (result,) = head["model-index"][0]["results"]
    assert head["model-index"][0]["name"] == "eta-trip.atlanta"
    assert result["task"]["type"] == "tabular-regression"
    assert result["dataset"] == {"name": "Atlanta, 1 Jul – 31 Jul 2013", "type": "eta"}
    assert result["metrics"] == [{"type": "mae", "value": 6.0, "name": "MAE in min"}]
    assert "### Purpose\n\nTo say when you **arrive**." in body
    google = as_google(card_of(actor=owner, version=version))
    assert set(google) == {
        "schema_version", "model_details", "model_parameters", "quantitative_analysis", "considerations",
    }  # fmt: skip
    assert google["model_details"]["licenses"] == [{"identifier": "apache-2.0"}]
    assert google["considerations"]["limitations"] == [{"description": "No snow."}]
    gain = next(one for one in google["quantitative_analysis"]["performance_metrics"] if one["type"] == "mae gain")
    assert gain["confidence_interval"] == {"lower_bound": 2.5, "upper_bound": 3.5}


def test_it_is_read_previewed_written_and_taken_along_on_its_pages(
    owner: User, stranger: User, candidate: ModelVersion, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    browser = signed_in(owner)
    with django_assert_max_num_queries(25):  # type: ignore[attr-defined]
        page = browser.get(CARD).content.decode()
    assert "Model card: Atlanta v2" in page
    assert "4 still asked for" in page
    address = f"/models/versions/{candidate.pk}/card/"
    form = browser.get(address).context["form"]
    sent = {name: form.initial.get(name, "") for name in form.fields} | WORDS
    begun = browser.post(address, sent | {"users": "", "risks": "", "preview": "1"})
    assert begun.status_code == 200
    assert "To say when you <strong>arrive</strong>." in begun.content.decode()
    assert "still asked for: users, risks" in begun.content.decode()
    assert browser.post(address, sent | {"users": ""}).status_code == 400
    assert ModelVersion.objects.get(pk=candidate.pk).card == {}
    assert browser.post(address, sent).headers["Location"] == CARD
    assert ModelVersion.objects.get(pk=candidate.pk).card == WORDS  # what stands there anyway is not stored
    assert b"Somebody has changed this card meanwhile" in browser.post(address, sent).content
    told = browser.get(CARD).content.decode()
    assert "Says what tier 1 asks for" in told
    assert "risks, users, limits, purpose" in told
    for ending, kind in (("md", "text/markdown"), ("json", "application/json")):
        file = browser.get(f"/m/eta-trip/atlanta/v2/card.{ending}")
        assert file.headers["Content-Type"].startswith(kind)
        assert "attachment" in file.headers["Content-Disposition"]
    assert signed_in(stranger).post(address, sent).status_code == 403


def test_its_version_page_tells_where_it_comes_from_and_looks_into_files(owner: User, candidate: ModelVersion) -> None:
    page = signed_in(owner).get("/m/eta-trip/atlanta/v2/?file=provenance.json").content.decode()
    told = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "distance_mi double answers double" in told
    assert "Run atlanta spring in cards" in told
    assert "Commit 0123456789ab clean Script train.py" in told
    assert "trips local · ab12 Data set for training Logged by its run" in told
    assert "&quot;commit&quot;: &quot;0123456789abcdef&quot;" in page  # the file's own text
    assert 'download_artifacts("models:/eta-trip.atlanta/2")' in html.unescape(told)
    assert "Nobody has used it" in told
    assert signed_in(owner).get("/m/eta-trip/atlanta/v2/?file=none.json").status_code == 404


def test_a_family_has_one_too_with_a_slice_for_each_champion(
    owner: User, candidate: ModelVersion, family: ModelFamily
) -> None:
    browser: Client = signed_in(owner)
    assert "still asked for" in browser.get(FAMILY_CARD).content.decode()
    sent = {"seen": digest_of({}), **WORDS}
    assert browser.post(f"{FAMILY_CARD}edit/", sent).headers["Location"] == FAMILY_CARD
    assert ModelFamily.objects.get(pk=family.pk).card == WORDS
    assert "every version takes these words over" in browser.get(FAMILY_CARD).content.decode()
    google = json.loads(browser.get("/models/eta-trip/card.json").content)
    metrics = google["quantitative_analysis"]["performance_metrics"]
    assert {one["slice"] for one in metrics} == {"the mean of 1 champions", "atlanta", "plain baseline"}
    answer = api(owner).get("/api/v1/families/eta-trip/card/").json()
    (against,) = (one["text"] for one in answer["fields"] if one["name"] == "against_baseline")
    assert against == "The plain baseline has 9.00 min on the same rows; 0 of 1 champions are worse."
    body = {"card": {"purpose": "Other words."}, "seen": answer["seen"]}
    assert api(owner).put("/api/v1/families/eta-trip/card/", body, format="json").status_code == 200
    assert api(owner).put("/api/v1/families/eta-trip/card/", body, format="json").status_code == 409
    told = api(owner).get(f"/api/v1/versions/{candidate.pk}/card/").json()
    purpose = next(one for one in told["fields"] if one["name"] == "purpose")
    assert purpose == {
        "name": "purpose", "section": "Considerations", "text": "Other words.", "said_by": "family", "asked_for": True,
    }  # fmt: skip
    assert told["markdown"].startswith("---\n")
