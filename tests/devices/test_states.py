"""Nominal states, and what is said about a states file that is wrong."""

import numpy as np
import pytest

from cimsim.devices.states import read_states, sram_states, two_resistance_states
from cimsim.errors import UserError


def test_states_lie_evenly_between_the_two_resistances():
    states = two_resistance_states(4, resistance_on=1e4, resistance_off=1e5)
    np.testing.assert_allclose(states, [1e-5, 4e-5, 7e-5, 1e-4], rtol=1e-12)


def test_an_sram_cell_has_no_off_current():
    assert sram_states().tolist() == [0.0, 1.0]


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_are_found_by_name(tmp_path):
    text = "state, std ,note,mean\n0,1e-7,a,1e-6\n\n1,2e-7,b,1e-5\n"
    mean, std = read_states(write(tmp_path / "states.csv", text), 2)
    assert mean.tolist() == [1e-6, 1e-5]
    assert std.tolist() == [1e-7, 2e-7]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    mean, _ = read_states(write(tmp_path / "states.csv", "\ufeffmean,std\n1,0\n2,0\n"), 2)
    assert mean.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty", "mean", "std"]),
        ("mean,deviation\n1,0\n2,0\n", ["column std is missing", "mean, deviation"]),
        ("mean,std,mean\n1,0,1\n2,0,2\n", ["column mean", "twice"]),
        ("mean,std\n1,0\n", ["1 rows", "exactly 2"]),
        ("mean,std\n1,0\n2,0\n3,0\n", ["3 rows", "exactly 2"]),
        ("mean,std\n1,0\n2\n", ["column std, row 2", "''", "number"]),
        ("mean,std\n1,0\ntwo,0\n", ["column mean, row 2", "'two'", "number"]),
        ("mean,std\n1,0\ninf,0\n", ["column mean, row 2", "'inf'", "finite"]),
        ("mean,std\n1,-0.5\n2,0\n", ["column std, row 1", "-0.5", "0 or above"]),
        ("mean,std\n-1,0\n2,0\n", ["column mean, row 1", "-1.0", "0 or above"]),
        ("mean,std\n2,0\n2,0\n", ["column mean, row 2", "increase"]),
    ],
)
def test_a_wrong_file_is_one_clear_message(tmp_path, text, words):
    path = write(tmp_path / "states.csv", text)
    with pytest.raises(UserError) as caught:
        read_states(path, 2)
    message = str(caught.value)
    assert "\n" not in message
    for word in [str(path), "allowed", *words]:
        assert word in message


def test_a_missing_file_is_one_clear_message(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_states(tmp_path / "none.csv", 2)
