"""Which campaigns of a folder this machine can run, and which files the others lack."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cimsim.campaign.checks import check_campaign
from cimsim.campaign.data_source import missing_data
from cimsim.campaign.expand import load_campaign
from cimsim.campaign.file import CampaignSource, read_campaign_file
from cimsim.campaign.keys import DATASET, FILE_FIELDS, MODEL, NO_FILE
from cimsim.campaign.settings import Place, located, walk
from cimsim.errors import UserError

TORCHVISION_FILE = re.compile(r"[a-z0-9_]+-[0-9a-f]{8}\.pth")
"""How files of weights at https://download.pytorch.org/models are named."""


@dataclass(frozen=True)
class Case:
    """One campaign file: its points; or the files that it lacks, each with what it is; or a problem
    of another kind."""

    file: Path
    points: int = 0
    missing: tuple[tuple[Path, str], ...] = ()
    problem: str = ""

    @property
    def ready(self) -> bool:
        """Whether it can run."""
        return not self.missing and not self.problem


def cases(folder: Path) -> list[Case]:
    """Check every campaign file of a folder and what it names: data, checkpoints, networks.

    Raises:
        UserError: the folder has no campaign.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise UserError(f"{folder}: no campaign files (*.yaml) in this folder")
    return [_case(file) for file in files]


def _case(file: Path) -> Case:
    try:
        missing = dict(_missing_files(read_campaign_file(file)))
        if missing:
            return Case(file, missing=tuple(missing.items()))
        campaign = load_campaign(file)
        check_campaign(campaign)
    except UserError as error:
        return Case(file, problem=str(error).removeprefix(f"{file}: "))
    return Case(file, len(campaign.points))


def _missing_files(source: CampaignSource) -> Iterator[tuple[Path, str]]:
    """Yield the path of each file or folder that a campaign names and that is not there."""
    for file, given in _mappings(source):
        fields = {name: value for name, value, _ in walk(given, Place(file))}
        for name, held in fields.items():
            for value in held if isinstance(held, list) else [held]:
                if not isinstance(value, str):
                    continue
                if name == DATASET:
                    data = missing_data(located(value, file))
                    yield from [data] if data is not None else []
                elif name in FILE_FIELDS and value not in NO_FILE:
                    path = Path(os.path.normpath(file.parent / value))
                    if not path.is_file() and not Path(value).is_file():
                        yield path, _what(name, path, fields)


def _mappings(source: CampaignSource) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield every mapping of a campaign that holds design fields, and its file."""
    yield from source.merged.bases
    for sweep in source.content.sweeps:
        for given in (sweep.base, sweep.grid, sweep.zip, *sweep.points):
            yield source.file("sweeps"), given


def _what(name: str, path: Path, fields: Mapping[str, Any]) -> str:
    """Return what a file is, as far as the fields beside it say."""
    if name != "workload.checkpoint" or MODEL not in fields:
        return f"file of {name}"
    model = fields[MODEL]
    width = f" of width {fields['workload.width']}" if "workload.width" in fields else ""
    data = f" trained on {fields[DATASET]}" if DATASET in fields else ""
    text = f"state_dict or *.safetensors of {model}{width}{data}"
    library, _, of_library = str(model).partition(":")
    if library == "torchvision" and TORCHVISION_FILE.fullmatch(path.name):
        return f"{text}: https://download.pytorch.org/models/{path.name}"
    if library == "timm" and path.name == f"{of_library}.safetensors":
        return f"{text}: model.safetensors of https://huggingface.co/timm/{of_library}"
    return text
