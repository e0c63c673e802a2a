"""A platform of a company's own: the page's package keeps the contract and retrains; what is wrong with one is said."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from pytest_django import Settings

from apps.accounts.models import Team, User
from apps.core.errors import Invalid
from apps.platforms import kinds, own
from apps.platforms.actions import add_connection, look_after
from apps.platforms.calling import InTrouble
from apps.platforms.models import Connection
from apps.registry.models import ModelFamily, ModelVersion
from apps.retraining import abroad, actions
from apps.retraining.definitions import Definition
from apps.retraining.models import Pipeline
from apps.tracking.queries import reported
from tests.conftest import signed_in
from tests.platforms.contract import PlatformContract
from tests.platforms.nightshift import TOKEN, Nightshift, Rig, code_of_page, installed, nightshift, rig
from tests.retraining import conftest as retraining
from tests.retraining.conftest import Submit, run_of

family, pipelines_folder, submit = retraining.family, retraining.pipelines_folder, retraining.submit


class TestNightshift(PlatformContract):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:  # type: ignore[override]
        with rig() as made:
            yield made


@pytest.fixture
def server() -> Iterator[Nightshift]:
    with installed(code_of_page()), nightshift() as made:
        yield made


@pytest.fixture
def connection(admin: User, server: Nightshift) -> Connection:
    return add_connection(actor=admin, name="nights", kind="nightshift", address=server.address, secret=TOKEN)


@pytest.fixture
def pipeline(admin: User, team: Team, family: ModelFamily, connection: Connection) -> Pipeline:
    schema = {"type": "object", "properties": {"days": {"type": "integer", "default": 7}, "mode": {"type": "string"}}}
    definition = Definition(
        name="Nightly",
        schema=schema,
        connection="nights",
        workflow="retrain_city",
        segment_parameter="city",
        after_success="nothing",
    )
    return actions.define_pipeline(actor=admin, slug="nightly", team=team, families=[family], definition=definition)


@pytest.mark.django_db
def test_cities_are_retrained_through_the_package_of_the_page(
    submit: Submit, connection: Connection, server: Nightshift, settings: Settings
) -> None:
    settings.RETRAINING_POLL_SECONDS = -1
    tested = look_after(connection=connection)
    assert (tested.said, tested.version) == ("Nightshift 4.2 answers.", "4.2")
    request = submit("atlanta", "boston", mode="succeed")
    actions.drive(request_id=request.pk)
    abroad.hand_over(list(request.runs.values_list("pk", flat=True)))
    for _ in range(4):
        abroad.attend(connection.pk)
    actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert (request.status, len(server.runs), ModelVersion.objects.count()) == ("finished", 2, 2)
    run = run_of(request)
    assert run.run
    assert (reported(run.run), "atlanta is done" in run.log) == ({"mae": 6.5}, True)


@pytest.mark.django_db
def test_it_has_its_place_on_the_pages(admin: User, connection: Connection) -> None:
    browser = signed_in(admin)
    assert "Nightshift" in browser.get("/connections/").content.decode()
    assert '<option value="nightshift">' in browser.get("/connections/new/").content.decode()
    assert "of one of its workflows" in browser.get("/connections/nights/").content.decode()


@pytest.mark.django_db
def test_connections_outlive_their_package_and_say_so(admin: User, connection: Connection) -> None:
    kinds.KINDS.pop("nightshift")
    page = signed_in(admin).get("/connections/nights/")
    assert (page.status_code, "No installed package brings" in page.content.decode()) == (200, True)
    assert "No installed package brings the kind" in look_after(connection=connection).said
    with pytest.raises(Invalid, match="There is no kind 'nightshift'"):
        add_connection(actor=admin, name="other", kind="nightshift", address="https://n.example.org")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("    def cancel(", "    def cancelled("), "the class Nightshift lacks cancel; docs/own-platform.md"),
        (('    label = "Nightshift"\n', ""), "the class Nightshift lacks label"),
        (("from datetime import datetime\n", "import nothing_of_that_name\n"), "ModuleNotFoundError: No module named"),
        (("nightshift =", "airflow ="), "there is a kind 'airflow' already"),
        (("nightshift =", "Night Shift ="), "its name has small letters"),
        (("nightshift_portal:Nightshift", "nightshift_portal:PHASES"), "its entry point names no class"),
        (("nightshift_portal:Nightshift", "nightshift_portal:Dayshift"), "has no attribute 'Dayshift'"),
    ],
)
@pytest.mark.django_db
def test_one_that_does_not_fit_is_said_in_a_sentence_and_keeps_nobody_from_starting(
    admin: User, change: tuple[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = dict(kinds.KINDS)
    with installed({name: text.replace(*change) for name, text in code_of_page().items()}):
        assert before == kinds.KINDS
        (problem,) = kinds.PROBLEMS.values()
        assert said in problem
        call_command("check")
        assert "platforms.W001" in capsys.readouterr().err
        assert "is missing" in signed_in(admin).get("/connections/").content.decode()


def test_a_fault_of_its_code_is_told_as_its_fault_and_asked_again_later() -> None:
    class Faulty:
        label, stopping_seconds = "Faulty", 1.0

        def __init__(self, address: str, secret: str) -> None:
            self.address = address

        def states(self, *_: object) -> None:
            raise KeyError("state")

        def probe(self) -> None:
            raise ZeroDivisionError("division by zero")

    with pytest.raises(InTrouble, match="The platform Faulty has a fault: KeyError"):
        own.platform_with(Faulty)("https://x", "").states([], None)  # type: ignore[arg-type]
    assert "has a fault: ZeroDivisionError" in own.probe_with(Faulty)("https://x", "").said  # type: ignore[arg-type]
