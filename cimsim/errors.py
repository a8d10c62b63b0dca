"""Errors that a user can mend: one message, no traceback."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class UserError(Exception):
    """Bad input. The message names the file, the key or field, the value and what is allowed.

    The command line prints it as one line and exits with status 1; the workflow stops before any
    job.
    """


def nearest(word: str, allowed: Iterable[str], elsewhere: Sequence[str] = ()) -> str:
    """Return ``" (did you mean 'x'?)"`` for the closest allowed word, or an empty string.

    `elsewhere` says in words where else `word` would be right, and stands behind that word.
    """
    close = [f"'{near}'" for near in get_close_matches(word, list(allowed), n=1, cutoff=0.6)]
    meant = " or ".join([*close, *elsewhere])
    return f" (did you mean {meant}?)" if meant else ""
