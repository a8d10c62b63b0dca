"""Parts of pages that the scripts beside this one compute: each lies between two markers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path


def replaced(text: str, begin: str, end: str, content: str) -> str:
    """Return `text` with `content` between the first marker `begin` and the next `end`.

    Raises:
        SystemExit: a marker is missing.
    """
    before, found, rest = text.partition(begin)
    _, closing, after = rest.partition(end)
    if not (found and closing):
        raise SystemExit(f"the markers {begin.strip()} and {end} are missing")
    return before + begin + content + end + after


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Return rows of cells, the heading and its rule first, as a table."""
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def compare_or_write(file: Path, new: str) -> int:
    """Compare a page with its new text, or with ``--write`` write that; return the exit status."""
    if file.read_text(encoding="utf-8") == new:
        return 0
    if "--write" not in sys.argv[1:]:
        print(f"{file.name}: not up to date; run `python docs/{Path(sys.argv[0]).name} --write`")
        return 1
    file.write_text(new, encoding="utf-8")
    return 0
