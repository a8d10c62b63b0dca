"""docs/paper.md: the tables of chips at full size are computed, and what their text says holds."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script(docs_script):
    return docs_script("full_size")


def test_the_tables_are_computed(script):
    text = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
    assert script.updated(text) == text, "run `python docs/full_size.py --write`"


def test_vgg8_is_that_of_the_released_program(script):
    found = script.chip("vgg8")
    for name, theirs in script.VGG8_RUN.items():
        by_data = name in ("energy_dynamic_j", "tops_per_w")
        assert found[name] == pytest.approx(theirs, rel=0.01 if by_data else 1e-5), name


def test_no_inputs_give_both_quoted_figures(script):
    quoted = script.RESNET18_QUOTED
    silent = script.constant(0)
    assert script.chip("resnet18", inputs=silent)["tops"] > 1.25 * quoted["tops"]
    strided = script.chip("resnet18", inputs=silent, strided=True)
    assert strided["tops_per_w"] < 0.8 * quoted["tops_per_w"]


def test_without_the_factors_of_silicon(script):
    """The changes that docs/fidelity.md names."""
    before = script.chip("vgg8")
    after = script.chip("vgg8", {"chip.post_layout_calibration": False})
    changes = {
        "area_m2": -0.22,
        "latency_s": -0.28,
        "energy_dynamic_j": 0.22,
        "tops_per_w": 0.006,
    }
    for name, change in changes.items():
        assert after[name] / before[name] - 1 == pytest.approx(change, abs=0.005), name
