"""The one way from people's Markdown to HTML: rendered without raw HTML, then cleaned."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

HEADINGS_BELOW_THE_PAGES_OWN = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6"}
TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
CLEANER = nh3.Cleaner(
    tags=TAGS,
    attributes={"a": {"href", "title"}, "ol": {"start"}},
    url_schemes={"http", "https", "mailto"},
    link_rel="nofollow noopener noreferrer",
)


def render(text: str) -> SafeString:
    """Safe HTML of Markdown. Its headings start at h3, and an image becomes a link: no foreign picture is loaded."""
    return mark_safe(CLEANER.clean(_markdown.render(text)))  # noqa: S308  (nh3 has just cleaned it)


def _image_as_link(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
    image = tokens[at]
    words = renderer.renderInlineAsText(image.children, options, env) or str(image.attrGet("src"))
    opening = Token("link_open", "a", 1, attrs={"href": image.attrGet("src") or ""})
    return f"{renderer.renderToken([opening], 0, options, env)}{escape(words)}</a>"


def _lower_headings(state: Any) -> None:
    for token in state.tokens:
        token.tag = HEADINGS_BELOW_THE_PAGES_OWN.get(token.tag, token.tag)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.core.ruler.push("lower_headings", _lower_headings)
    parser.add_render_rule("image", _image_as_link)
    return parser


_markdown = _parser()
