"""What a page of HTML is made of, for assertions."""

from html.parser import HTMLParser
from typing import Final

_VOID: Final = {"meta", "img", "link", "br", "hr", "wbr", "input"}


class Page(HTMLParser):
    """A page, taken apart.

    Attributes:
        tags: Each tag with its attributes.
        text: All that is read: what is between the tags.
        unclosed: Tags that were opened and not closed, or closed and not opened.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.unclosed: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self.unclosed.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that closes itself, as those of SVG do."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close a tag."""
        if self.unclosed and self.unclosed[-1] == tag:
            self.unclosed.pop()
        else:
            self.unclosed.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data

    def of(self, *names: str) -> list[dict[str, str]]:
        """List the attributes of all tags of some names."""
        return [attributes for tag, attributes in self.tags if tag in names]
