"""Templates: every page and component is whole HTML, safe under the policy, and small."""

import gzip
import re
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.template import Context, Template
from django.template.loader import get_template, render_to_string
from django.test import Client, RequestFactory
from pytest_django import Settings

from apps.accounts.models import User
from apps.core.errors import Unavailable
from tests.conftest import signed_in
from tests.core.gallery import NASTY

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
STATIC = settings.BASE_DIR / "static"
BUDGET = 60 * 1024
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Reader(HTMLParser):
    """Reads a page and keeps what is wrong with it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.ids: set[str] = set()
        self.open: list[str] = []
        self.feed(page)
        self.wrong += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.wrong += [f"{name} on <{tag}>" for name in found if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and not found.get("src")):
            self.wrong.append(f"inline <{tag}>")
        if len(found) != len(attrs):
            self.wrong.append(f"an attribute twice on <{tag}>")
        name = found.get("id")
        if name in self.ids:
            self.wrong.append(f"id {name} twice")
        if name:
            self.ids.add(name)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes another element")


def faults_of(page: str) -> list[str]:
    """What must never be in a rendered page."""
    left = [mark for mark in ("<c-", "</c-", "{%", "{{", "{#") if mark in page]
    return left + Reader(page).wrong


@pytest.fixture
def gallery(settings: Settings, owner: User) -> str:
    """The page with every component."""
    settings.ROOT_URLCONF = "tests.core.gallery"
    own = {**settings.TEMPLATES[0], "DIRS": [*settings.TEMPLATES[0]["DIRS"], Path(__file__).parent / "templates"]}
    settings.TEMPLATES = [own]
    return signed_in(owner).get("/gallery/?sort=mae&q=a%26b").content.decode()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR / "templates")))
def test_every_template_compiles(path: Path) -> None:
    get_template(str(path.relative_to(settings.BASE_DIR / "templates")))


def test_every_component_is_whole_html_without_inline_code(gallery: str) -> None:
    assert faults_of(gallery) == []


def test_the_gallery_shows_every_component(gallery: str) -> None:
    source = (Path(__file__).parent / "templates" / "gallery.html").read_text()
    used = {name.replace("-", "_") for name in re.findall(r"<c-([a-z-]+)", source)}
    inside = {"avatar", "dialog", "brand_mark"}  # other components and the frame draw these
    assert {path.stem for path in TEMPLATES if path.parent.name == "cotton"} - inside <= used


def test_text_that_tries_to_break_out_is_shown_as_text(gallery: str) -> None:
    assert NASTY not in gallery
    assert "<script>alert" not in gallery
    assert gallery.count("&lt;script&gt;alert") >= 4


def test_a_sort_link_turns_its_direction_and_keeps_the_filter(gallery: str) -> None:
    assert re.search(r'aria-sort="ascending" ?><a href="\?sort=-mae&amp;q=a%26b">', gallery)


def test_pages_of_a_list_keep_the_query_string(gallery: str) -> None:
    assert 'href="?sort=mae&amp;q=a%26b&amp;page=8"' in gallery


def test_a_field_names_its_help_and_its_error_for_screen_readers(gallery: str) -> None:
    name = re.search(r'<input type="text" name="name"[^>]*>', gallery)
    assert name is not None
    described = re.search(r'aria-describedby="([^"]+)"', name[0])
    assert described is not None
    assert 'aria-invalid="true"' in name[0]
    assert all(f'id="{part}"' in gallery for part in described[1].split())


def test_a_component_does_not_see_the_variables_of_its_page() -> None:
    template = get_template("cotton/stat.html").template  # type: ignore[attr-defined]
    assert "leaked" not in template.render(Context({"note": "", "label": "Champions"}))
    page = render_to_string("core/_messages.html", {"messages": ["Saved."], "title": "leaked", "icon": "leaked"})
    assert "leaked" not in page


@pytest.mark.parametrize("address", ["/", "/accounts/profile/", "/nowhere/"])
def test_pages_for_the_signed_in_are_whole_html(owner: User, address: str) -> None:
    answer = signed_in(owner).get(address)
    assert faults_of(answer.content.decode()) == []
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]


def test_the_profile_with_tokens_and_a_new_secret_is_whole_html(owner: User) -> None:
    browser = signed_in(owner)
    made = browser.post("/accounts/profile/", {"name": NASTY, "scopes": ["read"], "days": "9"}).content.decode()
    assert "Copy it now" in made
    assert faults_of(made) == []
    assert NASTY not in made
    again = browser.get("/accounts/profile/").content.decode()
    assert "Copy it now" not in again


def test_the_sign_in_page_says_what_is_wrong_and_keeps_the_name(db: None) -> None:
    assert faults_of(Client().get("/accounts/sign-in/?next=/models/").content.decode()) == []
    refused = Client().post("/accounts/sign-in/", {"username": "mara", "password": "wrong"}).content.decode()
    assert faults_of(refused) == []
    assert "do not fit together" in refused
    assert 'value="mara"' in refused


@pytest.mark.parametrize("template", ["accounts/locked_out.html", "core/error.html"])
def test_refusals_are_whole_html_for_somebody_not_signed_in(template: str, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = User(is_active=False)
    page = render_to_string(template, {"error": Unavailable("Away.")}, request)
    assert faults_of(page) == []


def test_the_page_for_a_broken_portal_needs_no_request_and_no_database() -> None:
    page = render_to_string("core/unavailable.html", {"error": Unavailable("The database is away.")})
    assert faults_of(page) == []
    assert "The database is away." in page


def test_a_refused_fragment_becomes_a_toast(owner: User) -> None:
    answer = signed_in(owner).get("/nowhere/", headers={"HX-Request": "true"})
    assert answer.headers["HX-Retarget"] == "#toasts"
    assert 'class="toast bad"' in answer.content.decode()


def test_the_theme_is_in_the_first_byte_so_nothing_flashes(owner: User) -> None:
    browser = signed_in(owner)
    assert '<html lang="en" data-theme="auto">' in browser.get("/").content.decode()
    answer = browser.post("/theme/", {"theme": "dark", "next": "/accounts/profile/"})
    assert answer.headers["Location"] == "/accounts/profile/"
    assert '<html lang="en" data-theme="dark">' in browser.get("/").content.decode()


@pytest.mark.parametrize("address", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"])
def test_choosing_a_theme_never_leads_outside(owner: User, address: str) -> None:
    answer = signed_in(owner).post("/theme/", {"theme": "dark", "next": address})
    assert answer.headers["Location"] == "/"


def test_an_unknown_theme_is_refused_with_a_sentence(owner: User) -> None:
    browser = signed_in(owner)
    answer = browser.post("/theme/", {"theme": "neon"})
    assert answer.status_code == 400
    assert "choose light, dark or auto" in answer.content.decode()
    browser.cookies["theme"] = '"><script>'
    assert 'data-theme="auto"' in browser.get("/").content.decode()


def test_the_rail_marks_where_the_reader_is(owner: User) -> None:
    page = signed_in(owner).get("/").content.decode()
    assert page.count('aria-current="page"') == 1
    assert re.search(r'href="/" data-key="h" aria-current="page"', page)


def test_the_demo_says_that_the_company_is_fictional(settings: Settings, owner: User) -> None:
    settings.DEMO = True
    assert "the company is fictional" in signed_in(owner).get("/").content.decode()
    settings.DEMO = False
    assert "the company is fictional" not in signed_in(owner).get("/").content.decode()


def test_markdown_can_not_carry_scripts_or_pictures() -> None:
    text = "# Why\n\n<script>x</script> [bad](javascript:alert(1)) ![spy](https://elsewhere.example/p.png)"
    shown = Template("{{ text|markdown }}").render(Context({"text": text}))
    assert re.search(r"<h\d>Why</h\d>", shown)
    assert all(mark not in shown for mark in ("<script", 'href="javascript', "<img"))


def test_what_a_browser_loads_fits_into_sixty_kilobytes(owner: User) -> None:
    page = signed_in(owner).get("/").content
    loaded = re.findall(r'(?:src|href)="/static/([^"]+\.(?:js|css|svg))"', page.decode())
    files = [Path(str(finders.find(name))) for name in loaded] + sorted((STATIC / "css").rglob("*.css"))
    assert len(loaded) >= 8
    assert len(gzip.compress(page)) + sum(len(gzip.compress(path.read_bytes())) for path in set(files)) <= BUDGET


def test_nothing_is_loaded_from_elsewhere() -> None:
    outside = re.compile(r"(?:url\(|@import|src=|fetch\()\s*[\"']?(?:https?:)?//")
    found = [path for path in [*TEMPLATES, *STATIC.rglob("*.*")] if outside.search(path.read_text())]
    assert found == []


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, two: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(
        r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", (STATIC / "css" / "tokens.css").read_text()
    )
}
GROUNDS = ("canvas", "rail", "surface", "sunken", "raised", "hover")
TONES = ("ok", "warn", "bad", "info", "idle", "accent")
READ = [
    *product(("ink", "ink-2", "accent-ink", "ok-ink", "bad-ink"), GROUNDS),
    *product(("ink-3",), ("canvas", "surface", "sunken", "raised")),
    *((f"{tone}-ink", f"{tone}-soft") for tone in TONES),
    *product(("ink", "ink-2", "ink-3"), ("accent-soft",)),
    *product(("ink",), tuple(f"{tone}-soft" for tone in TONES)),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-bad", "bad-solid"),
]
SEEN = [
    *product(("control-line", "accent", "ok-fill", "warn-fill", "bad-fill", "info-fill"), ("surface",)),
]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_words_have_a_contrast_of_four_and_a_half_and_shapes_of_two_and_a_half(theme: int) -> None:
    pale = [(ink, on) for ink, on in READ if _contrast(TOKENS[ink][theme], TOKENS[on][theme]) < 4.5]
    faint = [(mark, on) for mark, on in SEEN if _contrast(TOKENS[mark][theme], TOKENS[on][theme]) < 2.5]
    assert (pale, faint) == ([], [])


def test_an_address_below_a_main_page_belongs_to_it(rf: RequestFactory) -> None:
    request: HttpRequest = rf.get("/models/eta/")
    here = "{% for place, here in places %}{% if here %}{{ place.label }}{% endif %}{% endfor %}"
    page = Template("{% navigation as places %}" + here)
    assert page.render(Context({"request": request})) == "Models"
