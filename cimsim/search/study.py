"""The loop of a search: ask the sampler for a batch, evaluate it, tell what came out.

Nothing of the sampler is kept in a file. It is seeded, and asked and told in the same order
whenever the search runs again, so that it proposes the same points again as long as their results
are the same; those that are known need no computation.

The samplers are those of Optuna (Akiba et al., KDD 2019): the tree-structured Parzen estimator for
several objectives (Ozaki et al., J. Artificial Intelligence Research 73, 2022, 1209), NSGA-II (Deb
et al., IEEE Trans. Evolutionary Computation 6, 2002, 182), or random points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cimsim.campaign.sample import Axis
from cimsim.campaign.search import Search
from cimsim.errors import UserError

Settings = dict[str, Any]
"""Value of each field of the space, by dotted name."""

Evaluate = Callable[[Sequence[Settings]], Sequence[Sequence[float] | None]]
"""Gives the measures of each point in the order of the search's; None where there are none."""


@dataclass(frozen=True)
class Trial:
    """A point that was proposed.

    Attributes:
        settings: value of each field of the space.
        measures: results in the order of the search's measures; None if there are none.
    """

    settings: Settings
    measures: tuple[float, ...] | None


def search(about: Search, axes: Sequence[Axis], evaluate: Evaluate) -> list[Trial]:
    """Propose and evaluate `about.trials` points, a batch at a time; return them in order.

    Raises:
        UserError: Optuna is not installed, or `evaluate` fails.
    """
    optuna = _optuna()
    directions = ["maximize"] * len(about.maximise) + ["minimize"] * len(about.minimise)
    study = optuna.create_study(directions=directions, sampler=_sampler(optuna, about))
    distributions = {axis.name: _distribution(optuna, axis) for axis in axes}
    done: list[Trial] = []
    while len(done) < about.trials:
        count = min(about.batch, about.trials - len(done))
        asked = [study.ask(distributions) for _ in range(count)]
        proposed = [
            {axis.name: _value(axis, trial.params[axis.name]) for axis in axes} for trial in asked
        ]
        for trial, settings, found in zip(asked, proposed, evaluate(proposed), strict=True):
            if found is None or not all(map(math.isfinite, found)):
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
                done.append(Trial(settings, None))
            else:
                study.tell(trial, list(found))
                done.append(Trial(settings, tuple(found)))
    return done


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise UserError(
            "a search needs Optuna, which is not installed; allowed: pip install 'cimsim[search]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _sampler(optuna: Any, about: Search) -> Any:
    if about.sampler == "random":
        return optuna.samplers.RandomSampler(seed=about.seed)
    if about.sampler == "nsga2":
        return optuna.samplers.NSGAIISampler(seed=about.seed, population_size=max(2, about.batch))
    # Points of a batch that are not evaluated yet count as bad ones, so that they differ.
    return optuna.samplers.TPESampler(seed=about.seed, multivariate=True, constant_liar=True)


def _distribution(optuna: Any, axis: Axis) -> Any:
    """Return where Optuna takes the axis from: places in a list, or shares of a range."""
    if axis.choices:
        return optuna.distributions.CategoricalDistribution(range(axis.choices))
    return optuna.distributions.FloatDistribution(0.0, 1.0)


def _value(axis: Axis, drawn: float) -> Any:
    """Return the value that Optuna means by a place in the list, or a share of the range."""
    if axis.choices:
        return axis.value(axis.shares()[int(drawn)])
    return axis.value(min(drawn, math.nextafter(1.0, 0.0)))
