"""The documentation: links lead somewhere, pictures and the gallery are those of their scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from cimsim.campaign.expand import load_campaign
from cimsim.cli import app
from cimsim.commands import command_docs

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_drawings_are_those_of_the_script(docs_script: Callable[[str], ModuleType]) -> None:
    assert docs_script("drawings").differing() == []


def test_the_gallery_has_every_figure_of_its_campaign() -> None:
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    campaign = load_campaign(ROOT / "config" / "campaigns" / "gallery.yaml")
    assert {figure.kind for figure in campaign.figures} == {
        *("line", "heatmap", "pareto", "breakdown", "layers", "floorplan", "codes", "roofline"),
        "sensitivity",
    }
    for figure in campaign.figures:
        assert f"gallery/{figure.name}.svg" in page
        assert figure.text in page
        assert (ROOT / "docs" / "gallery" / f"{figure.name}.svg").is_file()


def test_the_command_reference_is_up_to_date() -> None:
    written = (ROOT / command_docs.FILE).read_text(encoding="utf-8")
    assert written == command_docs.commands_reference(app), "run `cimsim docs --write`"
