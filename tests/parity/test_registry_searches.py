"""The grammar of searches: the same rows in the same order, the same refusals."""

from __future__ import annotations

import pytest

from tests.parity.compared import Both, meaning

RM, MV = "registered-models", "model-versions"
NAMES = ["s-alpha", "s-Beta", "s-gamma.x", "s-100%", "s-under_score", "s-ü", "s-it's", "s-delta"]


@pytest.fixture(scope="module")
def stocked(both: Both) -> Both:
    """Models with tags and versions of every kind."""
    for at, name in enumerate(NAMES):
        tags = [{"key": "color", "value": ["red", "Red", "blue"][at % 3]}, {"key": f"only{at}", "value": "x"}]
        both.same("POST", f"{RM}/create", name=name, tags=tags[: 1 + at % 2])
        for number in range(at % 4):
            version_tags = [
                {"key": "color", "value": ["red", "Red", "blue"][number % 3]},
                {"key": "a.b", "value": str(at)},
            ]
            source, run = f"s3://bucket/{name.lower()}/{number}", f"run{at}" if number else ""
            both.same("POST", f"{MV}/create", name=name, source=source, run_id=run, tags=version_tags)
    both.same("POST", f"{MV}/transition-stage", name="s-delta", version="1", stage="Production")
    both.same("DELETE", f"{MV}/delete", name="s-delta", version="2")
    return both


ONLY = "name LIKE 's-%'"
FILTERS = r"""
name = 's-alpha'
name = "s-alpha"
name='s-alpha'
attribute.name = 's-alpha'
name != 's-alpha'
name LIKE 's-%'
name LIKE 'S-%'
name ILIKE 'S-%'
name like 's-a%'
name ilike '%BETA'
name LIKE 's-under_score'
name LIKE 's-100\%'
name IN ('s-alpha', 's-delta')
name IN ('s-alpha')
name NOT IN ('s-alpha', 's-delta')
name not in ('s-alpha')
name in ('nobody')
name = 's-ü'
name = "s-it's"
tags.color = 'red'
tag.color = 'red'
tags.color != 'red'
tags.color LIKE 'r%'
tags.color ILIKE 'R%'
tags.`color` = 'red'
tags.'color' = 'red'
tags."color" = 'red'
tags.color = 'red' AND tags.color = 'Red'
tags.color = 'red' and name LIKE '%a%'
tags.nothing = 'x'
tags.nothing != 'x'
tags.only1 = 'x' AND tags.color ILIKE '%e%'
tags.`a.b` = '3'
tags.a.b = '3'
""".strip().splitlines()
ODD = r"""
name
name =
= 's-alpha'
name = s-alpha
name = 's-alpha
name > 's-alpha'
name = 5
name = 's-alpha' OR name = 's-delta'
name = 's-alpha' AND
AND name = 's-alpha'
NOT name = 's-alpha'
(name = 's-alpha')
name IN ()
name IN (1,2)
name IN ('a',,'b')
name IN 's-alpha'
name IN ('a', 1)
name BETWEEN 'a' AND 'b'
foo = 'x'
tags.color > 'a'
tags.color IN ('red')
tags.color = red
tags.color = 5
foo.bar = 'x'
creation_timestamp > 5
last_updated_timestamp > 0
name = 's-alpha'; name = 's-delta'
name = 's-alpha' , name = 's-delta'
!!
'
`
name == 's-alpha'
name <> 's-alpha'
name RLIKE 's.*'
tags.color RLIKE 'r'
run_id = 'x'
version_number = 1
source_path LIKE 's3%'
attr.name = 's-alpha'
name = 's-alpha' name = 's-alpha'
SELECT 1
-- comment
name = 's-alpha' -- comment
1 = 1
tags = 'x'
tags. = 'x'
""".strip().splitlines()
OF_VERSIONS = r"""
run_id = 'run1'
run_id != 'run1'
run_id IN ('run1', 'run2')
run_id NOT IN ('run1')
run_id LIKE 'run%'
run_id IN ()
run_id IN (1,2)
run_id IN ('a',,'b')
version_number = 1
version_number != 1
version_number > 1
version_number >= 2
version_number < 2
version_number <= 1
version_number = '1'
version_number = 1.5
version_number LIKE '1%'
version_number IN ('1')
version_number = 'x'
source_path = 's3://bucket/s-delta/0'
source_path LIKE 's3://bucket/s-d%'
source_path ILIKE 'S3%'
source_path IN ('x')
attribute.run_id = 'run1'
attribute.version_number > 1
tags.`a.b` = '3'
version_number > -1
name = 's-delta' AND version_number > 1 AND tags.color = 'Red'
run_id > 'a'
current_stage = 'None'
""".strip().splitlines()


@pytest.mark.parametrize("text", ["", ONLY, *FILTERS, *ODD])
def test_models_are_found_alike(stocked: Both, text: str) -> None:
    _alike(stocked, f"{RM}/search", filter=text, max_results=1_000)


@pytest.mark.parametrize("text", ["", ONLY, *FILTERS, *ODD, *OF_VERSIONS])
def test_versions_are_found_alike(stocked: Both, text: str) -> None:
    _alike(stocked, f"{MV}/search", filter=text, max_results=1_000)


ORDERS = [
    ["name"],
    ["name ASC"],
    ["name DESC"],
    ["name desc"],
    ["name   Desc"],
    ["timestamp"],
    ["timestamp DESC"],
    ["last_updated_timestamp asc"],
    ["timestamp ASC", "name DESC"],
    ["last_updated_timestamp DESC", "name"],
    ["creation_timestamp"],
    ["version_number DESC"],
    ["version_number", "name"],
    ["creation_timestamp DESC"],
    ["creation_timestamp", "version_number"],
    ["`name`"],
    ["`name` DESC"],
    ["foo"],
    ["foo DESC"],
    ["name foo"],
    ["name ASC DESC"],
    [""],
    ["name,timestamp"],
    ["name; DROP"],
    ["attribute.name"],
    ["attribute.version_number DESC"],
    ["tags.color"],
]


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("path", [RM, MV])
def test_orders_are_kept_and_refused_alike(stocked: Both, path: str, order: list[str]) -> None:
    _alike(stocked, f"{path}/search", filter=ONLY, order_by=order)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 8, 100])
@pytest.mark.parametrize(
    ("path", "order"),
    [
        (RM, []),
        (RM, ["name DESC"]),
        (RM, ["timestamp DESC"]),
        (MV, []),
        (MV, ["name DESC", "version_number ASC"]),
        (MV, ["version_number"]),
    ],
    ids=str,
)
def test_pages_follow_each_other_alike(stocked: Both, path: str, order: list[str], limit: int) -> None:
    tokens = {"mlflow": "", "portal": ""}
    for _ in range(40):
        answers = [
            server.call(
                "GET",
                f"{path}/search",
                {"filter": ONLY, "order_by": order, "max_results": limit, "page_token": tokens[server.name]},
            )
            for server in (stocked.mlflow, stocked.portal)
        ]
        assert meaning(answers[1]) == meaning(answers[0])
        tokens = {name: one.body.get("next_page_token", "") for name, one in zip(tokens, answers, strict=True)}
        if not tokens["portal"]:
            return
    raise AssertionError("the pages have no end")


@pytest.mark.parametrize("limit", ["1", "1000", "1001", "200000", "200001", "x", "1.5", ""])
@pytest.mark.parametrize("path", [RM, MV])
def test_limits_of_a_page(stocked: Both, path: str, limit: str) -> None:
    _alike(stocked, f"{path}/search", filter=ONLY, max_results=limit)


@pytest.mark.parametrize("token", ["x", "abc", "%%%", "e30=", "eyJvZmZzZXQiOiAieCJ9"])
@pytest.mark.parametrize("path", [RM, MV])
def test_page_tokens_that_are_none(stocked: Both, path: str, token: str) -> None:
    _alike(stocked, f"{path}/search", filter=ONLY, page_token=token)


def _alike(both: Both, path: str, **sent: object) -> None:
    both.same("GET", path, **sent)
