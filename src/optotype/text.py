"""Text for people: names that are safe to print, numbers with their nouns."""


def printable(text: str) -> str:
    """Return text that is safe to print, such as the name of a file.

    Bytes that are not UTF-8 are escaped, and so are characters that are not printable: they could control the
    terminal.
    """
    text = text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def count(n: int, singular: str) -> str:
    """Return a number with its noun: "1 epoch", "60,000 epochs"."""
    return f"{n:,} {singular if n == 1 else f'{singular}s'}"
