from datetime import date
from pathlib import Path

from apps.demo.lake import destinations, labelled_until, reveal, reveal_demand


def contents(lake: Path) -> dict[str, bytes]:
    return {str(file.relative_to(lake)): file.read_bytes() for file in lake.rglob("*") if file.is_file()}


def days(lake: Path) -> list[str]:
    return [line[:10] for file in lake.rglob("*.csv") for line in file.read_text().splitlines()[1:]]


def test_nothing_after_the_day_is_revealed(tmp_path: Path) -> None:
    reveal(tmp_path, date(2013, 3, 17))
    assert max(days(tmp_path)) == "2013-03-17"
    assert labelled_until(tmp_path) == date(2013, 3, 17)


def test_an_empty_lake_is_labelled_until_no_day(tmp_path: Path) -> None:
    assert labelled_until(tmp_path) is None


def test_revealing_the_same_day_again_changes_nothing(tmp_path: Path) -> None:
    assert reveal(tmp_path, date(2013, 2, 10)) > 0
    before = contents(tmp_path)
    assert reveal(tmp_path, date(2013, 2, 10)) == 0
    assert contents(tmp_path) == before


def test_an_earlier_day_hides_nothing_that_was_revealed(tmp_path: Path) -> None:
    reveal(tmp_path, date(2013, 2, 10))
    before = contents(tmp_path)
    assert reveal(tmp_path, date(2013, 1, 5)) == 0
    assert contents(tmp_path) == before


def test_day_by_day_gives_the_same_lake_as_all_at_once(tmp_path: Path) -> None:
    for day in (date(2013, 1, 9), date(2013, 1, 31), date(2013, 2, 3)):
        reveal(tmp_path / "slow", day)
    reveal(tmp_path / "fast", date(2013, 2, 3))
    assert contents(tmp_path / "slow") == contents(tmp_path / "fast")


def test_the_whole_year_holds_every_trip_once(tmp_path: Path) -> None:
    reveal(tmp_path, date(2013, 12, 31))
    assert len(days(tmp_path)) == 82_076


def test_there_are_81_destinations_with_names_of_their_own() -> None:
    places = destinations()
    assert len(places) == len({place.slug for place in places}) == 81
    assert (places[0].slug, places[0].city, places[0].region) == ("atlanta", "Atlanta", "GA")


def test_each_destination_has_every_day_up_to_the_one_that_is_revealed(tmp_path: Path) -> None:
    assert reveal_demand(tmp_path, date(2013, 3, 17)) == 81
    assert reveal_demand(tmp_path, date(2013, 3, 17)) == 0
    assert reveal_demand(tmp_path, date(2013, 2, 1)) == 0
    each = [file.read_text().splitlines()[1:] for file in tmp_path.glob("segment=*.csv")]
    assert {len(lines) for lines in each} == {31 + 28 + 17}
    assert {lines[-1][:10] for lines in each} == {"2013-03-17"}
