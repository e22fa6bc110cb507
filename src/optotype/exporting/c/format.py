"""The export format "c"."""

from typing import Final

from optotype.exporting.c import program, source
from optotype.exporting.formats import Format

FORMAT: Final = Format((".c", ".h"), source.write, program.predict, "a program compiled from it")
