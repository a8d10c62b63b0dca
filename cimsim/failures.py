"""What failed: one text per result that could not be computed, so that progress can name it.

``results/failed/<stage>/<key>.txt`` holds the message. A new attempt removes it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

FOLDER = "failed"


def record(results: Path, stage: str, key: str, message: str) -> None:
    """Note that a result could not be computed.

    A note that cannot be written (a full disk) must not hide the failure itself, so it is left out.
    """
    file = _file(results, stage, key)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(message + "\n", encoding="utf-8")


def clear(results: Path, stage: str, key: str) -> None:
    """Forget an earlier failure: the result is there, or is tried again."""
    with suppress(OSError):
        _file(results, stage, key).unlink(missing_ok=True)


def failures(results: Path, stage: str) -> dict[str, str]:
    """Return the message of each failure of a stage by key."""
    found = {}
    for file in sorted((results / FOLDER / stage).glob("*.txt")):
        with suppress(OSError):
            found[file.stem] = file.read_text(encoding="utf-8").strip()
    return found


def _file(results: Path, stage: str, key: str) -> Path:
    return results / FOLDER / stage / f"{key}.txt"
