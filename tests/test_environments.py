"""The conda environment, the container and the constraints describe one set of versions."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

NAME = re.compile(r"[-_.]+")


def constraints() -> dict[str, str]:
    lines = (ROOT / "envs/constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {NAME.sub("-", name).lower(): version for name, version in pins}


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(r) for group in (project["dependencies"], *extras) for r in group]


def optional_requirements() -> list[Requirement]:
    """Those of the extras that `make setup` does not install."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    return [Requirement(r) for name, group in extras.items() if name != "dev" for r in group]


@pytest.mark.parametrize("requirement", requirements(), ids=lambda r: r.name)
def test_every_dependency_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    pin = constraints()[NAME.sub("-", requirement.name).lower()]
    assert requirement.specifier.contains(pin)
    assert any(s.operator in ("<", "==") for s in requirement.specifier), "no upper bound"


def test_the_installed_versions_are_the_constraints() -> None:
    """Extras other than that of the developers may be installed or not."""
    installed = {NAME.sub("-", found.name).lower(): found for found in metadata.distributions()}
    for requirement in requirements():
        name = NAME.sub("-", requirement.name).lower()
        if requirement in optional_requirements() and name not in installed:
            continue
        assert installed[name].version.split("+")[0] == constraints()[name]


def test_conda_environment_and_container_install_with_the_constraints() -> None:
    conda = yaml.safe_load((ROOT / "envs/cimsim.yaml").read_text())
    (pip,) = [d["pip"] for d in conda["dependencies"] if isinstance(d, dict)]
    assert pip == ["-c constraints.txt", ".."]
    container = (ROOT / "envs/Containerfile").read_text()
    assert "--constraint envs/constraints.txt" in container

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lowest = project["requires-python"].removeprefix(">=")
    assert f"python={lowest}" in conda["dependencies"]
    assert f"python:{lowest}-" in container
