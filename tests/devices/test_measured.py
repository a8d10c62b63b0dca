"""Presets of cells from measured conductances."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cimsim.campaign.expand import load_campaign
from cimsim.cli import app
from cimsim.devices.measured import Columns, measured_states, write_cell
from cimsim.devices.states import read_states
from cimsim.errors import UserError


def write(path: Path, states: list[float], cells: int = 50) -> np.ndarray:
    """Write cells of each state, shuffled, and return the conductances [states, cells]."""
    rng = np.random.default_rng(1)
    drawn = np.array(states)[:, None] * (1 + 0.05 * rng.standard_normal((len(states), cells)))
    rows = [f"{s},{g!r}" for s, held in enumerate(drawn.tolist()) for g in held]
    rng.shuffle(rows)
    path.write_text("state,conductance\n" + "\n".join(rows) + "\n")
    return drawn


def test_states_are_mean_and_deviation_of_the_cells(tmp_path: Path) -> None:
    drawn = write(tmp_path / "cells.csv", [5e-6, 40e-6, 70e-6, 100e-6])
    found = measured_states(tmp_path / "cells.csv")
    assert [s.mean for s in found] == pytest.approx(drawn.mean(axis=1), rel=1e-12)
    assert [s.std for s in found] == pytest.approx(drawn.std(axis=1, ddof=1), rel=1e-12)
    assert [s.cells for s in found] == [50] * 4


def test_the_order_is_that_of_conductance(tmp_path: Path) -> None:
    write(tmp_path / "cells.csv", [100e-6, 5e-6])  # state 0 is the high one
    assert [s.mean > 5e-5 for s in measured_states(tmp_path / "cells.csv")] == [False, True]


def test_columns_and_units_of_the_file(tmp_path: Path) -> None:
    write(tmp_path / "cells.csv", [5e-6, 40e-6])
    siemens = measured_states(tmp_path / "cells.csv")
    rows = [line.split(",") for line in (tmp_path / "cells.csv").read_text().split()[1:]]
    text = "".join(f"x,{float(g) * 1e6!r},{s}\n" for s, g in rows)
    (tmp_path / "other.csv").write_text("wafer,G (uS),level\n" + text.replace("x,", "1,"))
    found = measured_states(tmp_path / "other.csv", Columns("level", "G (uS)", "uS"))
    assert [s.mean for s in found] == pytest.approx([s.mean for s in siemens])
    assert [s.std for s in found] == pytest.approx([s.std for s in siemens])


def test_the_command_says_how_far_states_are_from_even_spacing(tmp_path: Path) -> None:
    cells = "".join(
        f"{state},{mean - 1}\n{state},{mean + 1}\n" for state, mean in enumerate((10, 37, 70, 100))
    )
    (tmp_path / "cells.csv").write_text(f"state,conductance\n{cells}")
    given = ["device", str(tmp_path / "cells.csv"), "--unit", "uS"]
    done = CliRunner().invoke(app, [*given, "--output", str(tmp_path / "mine.yaml")])
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    deviation = f"({2**0.5 / 30:.3f} steps)"  # of two cells 2 apart, in steps of 30
    for line, off in zip(lines, ("+0.000", "-0.100", "+0.000", "+0.000"), strict=False):
        assert line.endswith(f"{deviation}, {off} steps from even spacing")
    assert lines[1].startswith("state 1: 2 cells, 37 uS, deviation 3.8%")
    assert lines[4] == "even spacing: 10, 40, 70, 100 uS"


def test_a_row_may_be_a_state_with_its_mean_and_deviation(tmp_path: Path) -> None:
    (tmp_path / "states.csv").write_text("state,conductance,sigma\n1,90,2\n0,10,0.5\n")
    found = measured_states(tmp_path / "states.csv", Columns(unit="uS", deviation="sigma"))
    assert [s.mean for s in found] == pytest.approx([10e-6, 90e-6])
    assert [s.std for s in found] == pytest.approx([0.5e-6, 2e-6])
    given = ["device", str(tmp_path / "states.csv"), "--unit", "uS", "--deviation", "sigma"]
    done = CliRunner().invoke(app, [*given, "--output", str(tmp_path / "mine.yaml")])
    assert done.stdout.startswith("state 0: 10 uS, deviation 5.0% (0.006 steps)")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,1,0.1\n0,2,0.1\n1,3,0.1\n", "state 0 has 2 rows; allowed: one, because column sigma"),
        ("0,1,-0.1\n1,2,0.1\n", "column sigma, row 1: -0.1; allowed: 0 or above (uS)"),
        ("0,1,0.1\n1,2,0.1\n2,3,0.1\n", "3 states;"),
    ],
)
def test_means_and_deviations_that_are_no_cell(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "states.csv").write_text(f"state,conductance,sigma\n{text}")
    with pytest.raises(UserError) as caught:
        measured_states(tmp_path / "states.csv", Columns(unit="uS", deviation="sigma"))
    assert words in str(caught.value)


def test_a_campaign_takes_the_preset(tmp_path: Path) -> None:
    write(tmp_path / "cells.csv", [5e-6, 40e-6, 70e-6, 100e-6])
    states = write_cell(tmp_path / "cells.csv", tmp_path / "mine.yaml", "rram")
    (tmp_path / "campaign.yaml").write_text("name: mine\nbase: {preset: mine.yaml}\n")
    cell = load_campaign(tmp_path / "campaign.yaml").points[0].point.cell
    assert cell.bits == 2
    assert 1 / cell.resistance_on == pytest.approx(states[-1].mean)
    assert 1 / cell.resistance_off == pytest.approx(states[0].mean)
    mean, std = read_states(Path(cell.states_file), 4)
    assert mean.tolist() == [s.mean for s in states]
    assert std.tolist() == [s.std for s in states]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("state,g\n0,1\n", "column conductance is missing"),
        ("state,conductance\n0,1e-6\n0,1e-6\n1,2e-6\n1,2e-6\n2,3e-6\n2,3e-6\n", "3 states;"),
        (
            "state,conductance\n0,1e-6\n1,2e-6\n",
            "has one row; allowed: two cells or more, or a row a state",
        ),
        ("state,conductance\n0,-1e-6\n1,2e-6\n", "row 1: -1e-06; allowed: 0 or above"),
        ("state,conductance\n0,1e-6\n0,1e-6\n1,1e-6\n1,1e-6\n", "two states have the mean"),
        ("state,conductance\n0,5\n0,6\n1,80\n1,90\n", "has 85 S; allowed: 0.01 S at most"),
        ("state,conductance\n0,0\n0,0\n1,1e-6\n1,1e-6\n", "lowest state has conductance 0"),
    ],
)
def test_measurements_that_are_no_cell(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text(text)
    with pytest.raises(UserError) as caught:
        write_cell(tmp_path / "cells.csv", tmp_path / "mine.yaml", "rram")
    assert words in str(caught.value)
    assert not (tmp_path / "mine.yaml").exists()
