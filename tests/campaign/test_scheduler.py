"""What a shell would take apart never reaches a submit command."""

from __future__ import annotations

import pytest

from cimsim.campaign.scheduler import refuse_unquotable
from cimsim.errors import UserError


def test_usual_paths_are_taken() -> None:
    refuse_unquotable(["/scratch/user@site/a-b_c.d+e=1%", "ä/漢字.yaml", "a.yaml,b.yaml", ""])


@pytest.mark.parametrize("character", list(" \t\n'\"`$;&|<>(){}[]*?!#~^\\\0"))
def test_characters_of_a_shell_are_refused(character: str) -> None:
    with pytest.raises(UserError, match="cannot be submitted"):
        refuse_unquotable(["fine", f"a{character}b"])
