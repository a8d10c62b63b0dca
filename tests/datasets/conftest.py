"""Fixtures of the tests of data sets in files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cimsim.campaign import image_index
from cimsim.workloads import datasets


@pytest.fixture
def forget() -> Callable[[], None]:
    """Return a function that forgets what this process knows of files, as a new process would."""

    def forgotten() -> None:
        image_index.image_index.cache_clear()
        datasets._from_files.cache_clear()

    return forgotten


@pytest.fixture
def fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forget: Callable[[], None]
) -> Iterator[Path]:
    """An empty working directory, and nothing remembered of another one."""
    monkeypatch.chdir(tmp_path)
    forget()
    yield tmp_path
    forget()
