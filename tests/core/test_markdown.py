"""People's Markdown becomes HTML that can neither run nor load anything."""

import pytest

from apps.core.markdown import render


def test_the_usual_marks_are_rendered() -> None:
    html = render("Take **this**, not ~~that~~:\n\n1. `one`\n\n|a|b|\n|-|-|\n|1|2|")
    for part in ("<strong>this</strong>", "<s>that</s>", "<li><code>one</code></li>", "<td>2</td>"):
        assert part in html


def test_headings_start_below_those_of_the_page() -> None:
    assert render("# First\n\n## Second") == "<h3>First</h3>\n<h4>Second</h4>\n"


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<style>body{display:none}</style>",
        '<a href="javascript:alert(1)">x</a>',
        '<p style="position:fixed" onclick="alert(1)">x</p>',
        "<iframe src=//evil.example></iframe>",
        "<svg/onload=alert(1)>",
        "`<script>alert(1)</script>`",
    ],
)
def test_html_of_the_writer_is_shown_as_words(attack: str) -> None:
    html = render(f"before {attack} after\n\n{attack}")
    for opening in ("<script", "<img", "<style", "<iframe", "<svg", "<a", "<p style"):
        assert opening not in html
    assert "&lt;" in html


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "&#106;avascript:x"]
)
@pytest.mark.parametrize("shape", ["[x]({})", "![x]({})", "<{}>", "[x]\n\n[x]: {}"])
def test_an_address_that_runs_is_no_link(shape: str, address: str) -> None:
    assert "href" not in render(shape.format(address))


def test_links_tell_nobody_where_the_reader_came_from() -> None:
    html = render("[docs](https://example.org 'T')")
    assert html == '<p><a href="https://example.org" title="T" rel="nofollow noopener noreferrer">docs</a></p>\n'


def test_a_link_within_the_portal_stays_relative() -> None:
    assert 'href="/tools/airflow/"' in render("[Airflow](/tools/airflow/)")


def test_a_picture_is_a_link_and_is_not_loaded() -> None:
    html = render("![a <b> chart](https://example.org/pixel.png)")
    assert "<img" not in html
    assert 'href="https://example.org/pixel.png"' in html
    assert "a &lt;b&gt; chart</a>" in html


def test_what_is_open_at_the_end_stays_inside_its_field() -> None:
    assert render("</div></section><h1>") == "<p>&lt;/div&gt;&lt;/section&gt;&lt;h1&gt;</p>\n"


def test_nothing_is_nothing() -> None:
    assert render("") == ""
