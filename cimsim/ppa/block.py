"""A job of the ppa stage: the design points of a block, on one reading of mapping and trace."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from cimsim import failures as failed
from cimsim import schemas
from cimsim.campaign.blocks import block_text
from cimsim.campaign.keys import digest, group_key, group_text
from cimsim.campaign.member import Member
from cimsim.campaign.paths import KEY_FILE, stage_folder
from cimsim.errors import UserError
from cimsim.ppa.results import GroupResults, Tables, keyed, write_block
from cimsim.ppa.stage import Network, evaluate_design
from cimsim.provenance import maker, provenance
from cimsim.tables import write_atomically

NAMED_FAILURES = 5
"""Design points that could not be evaluated, as far as a message names them."""

_log = logging.getLogger("cimsim.ppa")


def run_block(members: Sequence[Member], *, results: Path, threads: int = 1) -> Path:
    """Write the tables of design points to the folder of their block and return the folder.

    What other blocks of the group hold is taken over. A design point that cannot be evaluated does
    not keep the others from being evaluated: they are then written to ``<block>-partial`` beside
    the folder of the block, where the next run finds them.

    Args:
        members: design points that share mapping and trace.
        results: folder of all results.
        threads: threads to use; results do not depend on them.

    Raises:
        UserError: a design point cannot be evaluated (after the others), or a file cannot be used.
    """
    keys = members[0].keys
    group = stage_folder("ppa", group_key(keys), results)
    text = block_text(member.keys["ppa"] for member in members)
    output = group / digest(text)
    about = provenance(stage="ppa", group=group.name, block=output.name)
    known = GroupResults(group)
    network = None
    found: list[Tables] = []
    failures: list[str] = []
    for member in members:
        if (key := member.keys["ppa"]) in known:
            found.append(known.tables(key))
            continue
        try:
            if network is None:
                mapping, trace = (stage_folder(s, keys[s], results) for s in ("map", "trace"))
                network = Network.read(mapping, trace, threads)
            found.append(_evaluate(member, network, maker(about)))
        except UserError as error:
            failures.append(f"{member.name or key}: {error}")
            failed.record(results, "ppa", key, str(error))
        else:
            failed.clear(results, "ppa", key)
    if not failures:
        _write_text(group / KEY_FILE, group_text(keys))
        _write_text(output / KEY_FILE, text)
        write_block(output, found, about)
        return output
    if found:
        write_block(output.with_name(f"{output.name}-partial"), found, about)
    for failure in failures[NAMED_FAILURES:]:
        _log.info("failed: %s", failure)
    named = "; ".join(failures[:NAMED_FAILURES])
    raise UserError(f"{len(failures)} of {len(members)} design points failed: {named}")


def _evaluate(member: Member, network: Network, made_by: str) -> Tables:
    columns = evaluate_design(member.point, network)
    key = member.keys["ppa"]
    about = {"key_text": [member.key_texts["ppa"]], "made_by": [made_by]}
    return {
        "chip": keyed(key, {**about, **columns["chip"]}, schemas.CHIP_ROWS),
        "layers": keyed(key, columns["layers"], schemas.LAYER_ROWS),
        "components": keyed(key, columns["components"], schemas.COMPONENT_ROWS),
    }


def _write_text(path: Path, text: str) -> None:
    write_atomically(path, lambda temporary: temporary.write_text(text + "\n", encoding="utf-8"))
