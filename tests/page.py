"""The tags and the text of an HTML page, for assertions."""

from html.parser import HTMLParser
from typing import Final

_VOID: Final = {"meta", "img", "link", "br", "hr", "wbr", "input"}


class Page(HTMLParser):
    """A parsed page.

    Attributes:
        tags: Each tag with its attributes.
        text: The text between the tags.
        unclosed: Tags that are opened and not closed, or closed and not opened.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.unclosed: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self.unclosed.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a self-closing tag, as in SVG."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close a tag."""
        if self.unclosed and self.unclosed[-1] == tag:
            self.unclosed.pop()
        else:
            self.unclosed.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        """Record text."""
        self.text += data

    def of(self, *names: str) -> list[dict[str, str]]:
        """Return the attributes of all tags with one of these names."""
        return [attributes for tag, attributes in self.tags if tag in names]
