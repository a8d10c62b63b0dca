"""From a design point to the numbers of the array product."""

import numpy as np
import pytest

from cimsim.arrays.output_noise import read_output_noise
from cimsim.arrays.settings import ArraySettings, adc_step_for
from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError


def point(**sections):
    return DesignPoint.model_validate(sections)


def build(adc_step=None, **sections):
    return ArraySettings.from_design(point(**sections), adc_step)


def test_numbers_of_the_default_design():
    settings = build()
    assert (settings.weight_bits, settings.input_bits, settings.parallel_rows) == (8, 8, 128)
    assert (settings.cells_per_weight, settings.input_cycles, settings.groups(129)) == (8, 8, 2)
    assert (settings.adc_top, settings.adc_step, settings.largest_sum) == (127, 1.0, 128)
    # 6 kohm and 102 kohm: off / (on - off) = 1 / (102 / 6 - 1)
    np.testing.assert_allclose(settings.states_mean, [1 / 16, 17 / 16])
    assert not settings.is_random


def test_cells_and_cycles_are_rounded_up():
    settings = build(
        quantization={"weight_bits": 7, "input_bits": 5}, cell={"bits": 2}, array={"dac_bits": 2}
    )
    assert (settings.cells_per_weight, settings.input_cycles) == (4, 3)
    assert settings.largest_sum == 128 * 3 * 3


def test_even_states_give_exact_integers_above_the_lowest():
    settings = build(cell={"bits": 4, "resistance_on": 7e3, "resistance_off": 91e3})
    np.testing.assert_array_equal(settings.state_levels, np.arange(16))


@pytest.mark.parametrize(
    ("unit", "levels"), [("mean_step", [0, 1.5, 2.25, 3.0]), ("first_step", [0, 1.0, 1.5, 2.0])]
)
def test_the_unit_of_states_from_a_file(tmp_path, unit, levels):
    file = tmp_path / "states.csv"
    file.write_text("mean,std\n2e-6,1e-7\n8e-6,2e-7\n11e-6,2e-7\n14e-6,0\n")
    settings = build(cell={"bits": 2, "states_file": str(file)}, fidelity={"adc_unit": unit})
    np.testing.assert_allclose(settings.state_levels, levels)
    step = {"mean_step": 4e-6, "first_step": 6e-6}[unit]
    np.testing.assert_allclose(settings.states_std, np.array([1e-7, 2e-7, 2e-7, 0]) / step)
    assert settings.varies
    assert settings.is_random


def test_a_states_file_with_too_few_rows(tmp_path):
    file = tmp_path / "states.csv"
    file.write_text("mean,std\n1,0\n2,0\n")
    with pytest.raises(UserError, match="2 rows of states; allowed: exactly 4"):
        build(cell={"bits": 2, "states_file": str(file)})


@pytest.mark.parametrize(("levels", "top"), [("2^b", 31), ("2^b+1", 32)])
def test_adc_levels(levels, top):
    assert build(array={"adc": {"bits": 5}}, fidelity={"adc_levels": levels}).adc_top == top


@pytest.mark.parametrize(
    ("bits", "cell_bits", "dac_bits", "expected"),
    # 64 rows: largest sum / 2**bits, never below 1
    [(5, 1, 1, 2.0), (6, 1, 1, 1.0), (8, 1, 1, 1.0), (5, 2, 2, 18.0)],
)
def test_full_range(bits, cell_bits, dac_bits, expected):
    array = {"parallel_rows": 64, "dac_bits": dac_bits, "adc": {"bits": bits}}
    assert adc_step_for(point(cell={"bits": cell_bits}, array=array)) == expected


def calibrated(percentile, bits=2):
    adc_range = {"policy": "calibrated", "observer": "percentile", "percentile": percentile}
    return point(array={"adc": {"bits": bits, "range": adc_range}})


@pytest.mark.parametrize(
    ("percentile", "largest"), [(100.0, 99), (99.0, 98), (98.5, 98), (90.0, 89), (50.5, 50)]
)
def test_calibrated_range_is_a_percentile_of_the_sums(percentile, largest):
    histogram = np.ones(100, dtype=np.int64)  # each sum 0 .. 99 once
    assert adc_step_for(calibrated(percentile), histogram) == pytest.approx(largest / 3)


def test_calibrated_range_does_not_end_below_the_codes():
    assert adc_step_for(calibrated(99.0, bits=7), np.array([50, 50])) == 1.0


def test_calibrated_range_needs_sums():
    with pytest.raises(ValueError, match="histogram"):
        adc_step_for(calibrated(99.0))
    with pytest.raises(ValueError, match="histogram"):
        ArraySettings.from_design(calibrated(99.0))
    assert ArraySettings.from_design(calibrated(99.0), 2.5).adc_step == 2.5


def test_fixed_step():
    fixed = {"adc": {"range": {"policy": "fixed", "step": 0.75}}}
    assert build(array=fixed).adc_step == 0.75


@pytest.mark.parametrize(
    ("nonideality", "expected"),
    [
        ({}, False),
        ({"device_variation": 0.1}, True),
        ({"read_noise": 0.1}, True),
        ({"stuck_at_0": 0.1}, True),
        ({"stuck_at_1": 0.1}, True),
        ({"retention": {"time": 10, "exponent": 0.1}}, False),
        ({"retention": {"time": 10, "exponent": 0.1, "direction": "random"}}, True),
        ({"retention": {"time": 0, "exponent": 0.1, "direction": "random"}}, False),
        ({"retention": {"time": 10, "exponent": 0, "direction": "random"}}, False),
        ({"output_noise": {"sigma": 0.5}}, True),
    ],
)
def test_what_makes_a_product_random(nonideality, expected):
    assert build(nonideality=nonideality).is_random is expected


def test_output_noise_replaces_the_cells_models():
    settings = build(
        nonideality={
            "device_variation": 0.1,
            "read_noise": 0.1,
            "retention": {"time": 10, "exponent": 0.1},
            "output_noise": {"sigma": 0.5},
        }
    )
    assert settings.has_output_noise
    assert not any([settings.varies, settings.drifts, settings.has_read_noise])


def table(path, rows, std=0.5):
    lines = [f"{k},{1.1 * k},{std}" for k in range(rows)]
    path.write_text("\n".join(["output,mean,std", *lines]) + "\n")
    return str(path)


def test_output_noise_table(tmp_path):
    array = {"parallel_rows": 16, "adc": {"bits": 4}}
    file = table(tmp_path / "noise.csv", 16)
    settings = build(array=array, nonideality={"output_noise": {"file": file}})
    np.testing.assert_allclose(settings.output_mean, 1.1 * np.arange(16))
    assert settings.is_random
    certain = table(tmp_path / "certain.csv", 16, std=0.0)
    assert not build(array=array, nonideality={"output_noise": {"file": certain}}).is_random


@pytest.mark.parametrize(("rows", "allowed"), [(16, "17 to 33"), (34, "17 to 33")])
def test_output_noise_table_needs_a_row_per_sum_that_the_adc_can_meet(tmp_path, rows, allowed):
    array = {"parallel_rows": 16, "adc": {"bits": 5}}
    file = table(tmp_path / "noise.csv", rows)
    with pytest.raises(UserError, match=f"{rows} rows of outputs; allowed: {allowed}"):
        build(array=array, nonideality={"output_noise": {"file": file}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mean,std\n0,0\n1,0\n", "column output is missing"),
        ("output,mean,std\n0,0,0\n2,1,0\n", "column output, row 2: 2.0; allowed: 1"),
        ("output,mean,std\n0,0,0\n1,1,-1\n", "column std, row 2: -1.0; allowed: 0 or above"),
        ("output,mean,std\n0,0,0\n1,x,1\n", "column mean, row 2: 'x'; allowed: a finite number"),
    ],
)
def test_a_wrong_output_noise_table_is_one_clear_message(tmp_path, text, words):
    file = tmp_path / "noise.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=words):
        read_output_noise(file, 1, 10)


def test_contradictions_are_refused(settings):
    with pytest.raises(ValueError, match="states for cells of 2 bits"):
        settings(cell_bits=2, states_mean=np.arange(2.0))
    with pytest.raises(ValueError, match="together"):
        settings(output_mean=np.arange(3.0))
    with pytest.raises(ValueError, match="adc_step"):
        settings(adc_step=0.0)


def test_time_counts_from_the_reference_time():
    retention = {"time": 86400.0, "reference_time": 60.0, "exponent": 0.05}
    assert build(nonideality={"retention": retention}).drift_time == 1440.0


def test_exponents_of_the_states(tmp_path):
    file = tmp_path / "exponents.csv"
    file.write_text("state,exponent\n0,0.01\n1,0.1\n")
    retention = {"time": 10, "exponents_file": str(file)}
    settings = build(nonideality={"retention": retention})
    assert settings.drift_exponents.tolist() == [0.01, 0.1]
    assert settings.drifts
    with pytest.raises(UserError, match="2 rows of exponents; allowed: exactly 4"):
        build(cell={"bits": 2}, nonideality={"retention": retention})
    file.write_text("exponent\n0.01\n1.1\n")
    with pytest.raises(UserError, match=r"column exponent, row 2: 1\.1; allowed: 0 to 1"):
        build(nonideality={"retention": retention})


def test_thermal_noise_grows_with_the_root_of_temperature():
    def noise(**fields):
        return build(nonideality={"read_noise": 0.1, **fields}).read_noise

    assert noise() == 0.1
    assert noise(temperature=300.0, read_noise_thermal_share=0.3) == 0.1
    assert noise(temperature=400.0) == pytest.approx(0.1 * np.sqrt(4 / 3))
    assert noise(temperature=75.0) == pytest.approx(0.05)
    assert noise(temperature=600.0, read_noise_thermal_share=0.0) == 0.1
    assert noise(temperature=600.0, read_noise_thermal_share=0.5) == pytest.approx(
        np.hypot(0.1 * np.sqrt(0.5), 0.1)
    )


def test_a_lognormal_conductance_is_not_zero():
    lognormal = {"device_variation": 0.1, "variation_distribution": "lognormal"}
    sram = {"technology": "sram"}
    assert build(cell=sram, nonideality=lognormal).variation.tolist() == [0.0, 0.1]
    with pytest.raises(UserError, match=r"lognormal, but state 0 has the mean 0.*allowed"):
        build(cell=sram, nonideality={**lognormal, "variation_unit": "step"})
