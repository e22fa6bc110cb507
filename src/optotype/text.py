"""Text for people: names that are safe to print, and numbers with their nouns."""


def printable(text: str) -> str:
    """Return text, for example a file name, that is safe to print.

    Bytes that are not UTF-8 and characters that are not printable are escaped: they could control the terminal.
    """
    text = text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def count(n: int, singular: str) -> str:
    """Return a number with its noun: "1 epoch", "60,000 epochs"."""
    return f"{n:,} {singular if n == 1 else f'{singular}s'}"
