"""Names that may go to the submit command of a cluster's scheduler.

Executor plugins put the working directory and the command line of Snakemake into a shell command,
not all of them in quotes: a name with ``$(...)`` in it would be run on the machine that submits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cimsim.errors import UserError


def refuse_unquotable(names: Iterable[str]) -> None:
    """Refuse names with characters that mean something to a shell.

    Raises:
        UserError: a name holds anything but letters, digits and ``_ . / , + = @ % : -``.
    """
    for name in names:
        if found := re.search(r"[^\w./,+=@%:-]", name):
            raise UserError(
                f"{name!r}: jobs cannot be submitted to a cluster from or with this path: it holds "
                f"{found[0]!r}; allowed: letters, digits and _ . / , + = @ % : -"
            )
