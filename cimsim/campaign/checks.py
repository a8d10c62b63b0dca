"""Checks that need more than the campaign file: input files, and what the engines support.

They load numpy, and torch where a campaign names a checkpoint file or a foreign network, so the
workflow runs them in its main process alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cimsim.campaign.catalogue import OWN_MODELS
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.expand import Campaign, CampaignPoint
from cimsim.campaign.keys import NO_FILE
from cimsim.campaign.layer_design import is_mixed, layer_designs, widest
from cimsim.campaign.layer_rules import fitting
from cimsim.campaign.parameters import value
from cimsim.errors import UserError

Check = Callable[[CampaignPoint], None]


ARRAY_FILES = (
    "cell.states_file",
    "nonideality.output_noise.file",
    "nonideality.retention.exponents_file",
    "array.adc.inl_file",
)
"""Fields that name an input file of the array simulator."""


def check_campaign(campaign: Campaign) -> None:
    """Check every design point, once for all points that share the stage concerned.

    Raises:
        UserError: a table of states or of output noise is not as it has to be, a network cannot be
            built, a checkpoint is of another network, published weights cannot be had, the data
            set has fewer images than are asked for, the hardware model does not support a design,
            a figure has no points or cannot tell them apart, or no sweep can tell which parameter
            matters.
    """
    if campaign.figures and campaign.search is None:
        from cimsim.analysis.figures import check_figures

        check_figures(campaign)
    if campaign.sensitivity and campaign.search is None:
        from cimsim.analysis.sensitivity import analysed

        analysed(campaign)
    for stage, check, fields in (
        ("checkpoint", _network, "workload.model"),
        ("checkpoint", _checkpoint, "workload.checkpoint"),
        ("checkpoint", _published, "workload.weights"),
        ("calibrate", _images, ""),
        ("trace", _images, ""),
        ("infer", _layer_rules, ""),
        ("ppa", _layer_rules, ""),
        ("infer", _array, " ".join(ARRAY_FILES)),
        ("ppa", _hardware, ""),
    ):
        if stage not in campaign.stages:
            continue
        seen: set[str] = set()
        for point in campaign.points:
            if point.keys[stage] not in seen:
                seen.add(point.keys[stage])
                _name_origin(check, point, campaign, fields)


def _name_origin(check: Check, point: CampaignPoint, campaign: Campaign, fields: str) -> None:
    """Run a check; begin its message with where the field is written that it or `fields` names."""
    try:
        check(point)
    except UserError as error:
        origin = point.blamed(str(error)) or point.blamed(fields)
        raise UserError(f"{origin or f'{campaign.file}: point {point.id}'}: {error}") from error


def _network(point: CampaignPoint) -> None:
    workload = point.point.workload
    if workload.model in OWN_MODELS and not workload.arguments:
        return
    from cimsim.workloads.models import check_network

    check_network(workload)


def _checkpoint(point: CampaignPoint) -> None:
    file = point.point.workload.checkpoint
    if file in NO_FILE:
        return
    from cimsim.workloads.checkpoints import check_checkpoint

    check_checkpoint(Path(file), point.point)


def _layer_rules(point: CampaignPoint) -> None:
    patterns = point.point.quantization.float_layers
    if patterns:
        from cimsim.workloads.models import layer_names

        for pattern in patterns:
            fitting(pattern, layer_names(point.point.workload), "quantization.float_layers")
    _layer_designs(point.point)


def _layer_designs(design: DesignPoint) -> list[DesignPoint]:
    """Return the designs that the layers of a network have: one, unless precision is mixed."""
    if not is_mixed(design):
        return [design]
    from cimsim.workloads.models import layer_names

    designs = layer_designs(design, layer_names(design.workload)).values()
    return list({id(one): one for one in designs}.values())


def _published(point: CampaignPoint) -> None:
    if not point.point.workload.weights:
        return
    from cimsim.workloads.published import check_published

    check_published(point.point)


def _images(point: CampaignPoint) -> None:
    from cimsim.workloads.datasets import check_images

    check_images(point.point)


def _array(point: CampaignPoint) -> None:
    design = point.point
    lognormal = design.nonideality.variation_distribution == "lognormal"
    if not lognormal and not any(value(design, name) for name in ARRAY_FILES):
        return
    from cimsim.arrays.settings import ArraySettings

    # A calibrated step is known after the calibration only; 1 is the smallest it can be.
    calibrated = design.array.adc.range.policy == "calibrated"
    for one in _layer_designs(design):
        ArraySettings.from_design(one, adc_step=1.0 if calibrated else None)


def _hardware(point: CampaignPoint) -> None:
    from cimsim.ppa.check import check_supported

    designs = _layer_designs(point.point)
    shared = [widest(point.point, designs)] if len(designs) > 1 else []
    for design in (*designs, *shared):
        check_supported(design)
