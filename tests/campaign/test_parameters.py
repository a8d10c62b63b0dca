"""The flat view of a design point holds exactly what the nested one holds."""

from __future__ import annotations

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.parameters import parameters, value, values


def flatten(nested: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, held in nested.items():
        if isinstance(held, dict):
            flat |= flatten(held, f"{prefix}{name}.")
        else:
            flat[prefix + name] = held
    return flat


def test_values_are_those_of_the_models_own_dump() -> None:
    point = DesignPoint.model_validate(
        {"array": {"adc": {"bits": 5, "range": {"policy": "fixed"}}}, "chip": {"node": 32}}
    )
    flat = values(point)
    assert flat == flatten(point.model_dump())
    assert (flat["array.adc.bits"], flat["array.adc.range.policy"]) == (5, "fixed")


def test_kinds_are_those_of_the_values() -> None:
    for name, parameter in parameters().items():
        assert parameter.name == name
        assert parameter.default is None or type(parameter.default) is parameter.kind
        assert value(DesignPoint(), name) == parameter.default


def test_numbers_are_those_that_lie_on_an_axis() -> None:
    known = parameters()
    assert known["array.adc.bits"].is_number
    assert known["nonideality.read_noise"].is_number
    assert not known["chip.pipeline"].is_number
    assert not known["cell.technology"].is_number
