"""Pipelines in the browser: what each is, and its definition as text."""

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Team, User
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.models import Pipeline
from apps.retraining.pipeline_files import written
from apps.retraining.queries.pipelines import definition_of
from tests.conftest import signed_in
from tests.retraining.conftest import Submit
from tests.retraining.test_web_requests import words

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
LIST, ONE, EDIT, NEW = (f"/retraining/pipelines/{rest}" for rest in ("", "toy/", "toy/edit/", "new/"))


@pytest.fixture
def text(pipeline: Pipeline) -> str:
    return written("toy", definition_of(pipeline))


def test_everybody_sees_what_a_pipeline_is_and_what_became_of_it(
    pipeline: Pipeline, submit: Submit, stranger: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(stranger)
    submit("atlanta", reason="July is here.")
    assert "Toy v1 Trip ETA" in " ".join(words(client.get(LIST)).split())
    with django_assert_max_num_queries(25):
        page = words(client.get(ONE))
    for said in (
        "Nothing",
        "10 min",
        "Strong",
        "alpha 10",
        "July is here.",
        "Version 1",
        "Defined",
        "Window months",
    ):
        assert said in page, said
    assert "Define a pipeline" not in page
    assert client.get(EDIT).status_code == client.get(NEW).status_code == 403
    file = client.get(f"{ONE}file/")
    pipeline.refresh_from_db()  # jsonb has an order of its own
    assert file["Content-Disposition"] == 'attachment; filename="toy.yaml"'
    assert file.content.decode() == written("toy", definition_of(pipeline))


def test_what_one_may_not_see_is_not_there(pipeline: Pipeline, stranger: User, owner: User) -> None:
    Pipeline.objects.update(visibility="teams")
    assert signed_in(stranger).get(ONE).status_code == 404
    assert "There are no pipelines yet" in words(signed_in(stranger).get(LIST))
    assert signed_in(owner).get(ONE).status_code == 200


def test_a_text_is_tried_while_it_is_typed_and_saved_as_a_version(pipeline: Pipeline, admin: User, text: str) -> None:
    client = signed_in(admin)
    assert "Nothing differs from version 1" in words(client.get(EDIT))
    changed = text.replace("name: Toy", "name: Toy car") + "    seconds: 60\n"
    tried = words(client.post(EDIT, {"text": changed}, headers=HTMX))
    assert "Version 2 would change 2 settings" in tried
    assert "600 → 60" in tried
    broken = words(client.post(EDIT, {"text": changed.replace("60", "soon")}, headers=HTMX))
    assert "toy: seconds: This has to be a whole number" in broken
    assert "Window months" in broken  # the form shows as soon as the schema is one
    assert client.post(EDIT, {"text": changed.replace("60", "soon"), "version": "1"}).status_code == 400
    assert "alone" in words(client.post(EDIT, {"text": changed.replace("  toy:", "  car:"), "version": "1"}))
    assert client.post(EDIT, {"text": changed, "try": "1"}).status_code == 200  # without JavaScript
    assert Pipeline.objects.get().version == 1
    saved = words(client.post(EDIT, {"text": changed, "version": "1"}, follow=True))
    assert "Toy car is changed: version 2." in saved
    assert "2 settings changed" in saved
    assert "Toy → Toy car" in saved


def test_two_who_edit_at_once_do_not_undo_each_other(
    pipeline: Pipeline, admin: User, team: Team, family: ModelFamily, text: str
) -> None:
    actions.push_pipelines(actor=admin, text=text + "    seconds: 60\n")
    late = signed_in(admin).post(EDIT, {"text": text, "version": "1"})
    assert late.status_code == 409
    assert "it is version 2 now" in words(late)
    assert "60 → 600" in words(late)
    assert Pipeline.objects.get().seconds == 60


def test_a_new_one_begins_with_a_text_that_explains_itself(admin: User, team: Team, family: ModelFamily) -> None:
    client = signed_in(admin)
    page = client.get(NEW).content.decode()
    assert "my-pipeline" in page
    assert "There is no file" in page  # the script is not written yet
    text = (
        f"pipelines:\n  car:\n    name: Car\n    team: {team.slug}\n    families: [eta-trip]\n    script: toy.py\n"
        "    schema: {type: object, properties: {alpha: {type: number, default: 1}}}\n"
    )
    assert "Car is new: version 1." in words(client.post(NEW, {"text": text}, headers=HTMX))
    saved = client.post(NEW, {"text": text})
    assert saved["Location"] == "/retraining/pipelines/car/"
    assert "Nobody has requested it yet" in words(client.get(saved["Location"]))
    for junk in ("", "pipelines: [", "x" * 2_000_000, "pipelines:\n  toy:\n    schema: {type: object, properties: 3}"):
        assert client.post(NEW, {"text": junk}).status_code == 400
