"""How long the small twins of config/paper/ took, from the benchmark records of their jobs.

After ``snakemake --cores 1 --config campaign=config/paper/NAME_small.yaml`` of some or all of them,
``python docs/paper_times.py`` prints the table, and ``--write`` puts it into docs/paper.md. A stage
that twins share (training, calibration) counts in each of them, so that a row is the time from an
empty folder of results. Snakemake's own time and the check of the campaign are not in it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pages import markdown, replaced

from cimsim.analysis.report.run_times import RunTime, run_times
from cimsim.campaign.expand import Campaign, load_campaign
from cimsim.campaign.paths import RESULTS

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "paper.md"
FOLDER = ROOT / "config" / "paper"
BEGIN, END = "<!-- times: begin -->\n", "<!-- times: end -->"

HEADER = ("campaign", "points", "chips", "CPU min", "of which infer", "largest job, MiB")


def twins() -> list[Path]:
    """Return the files of the small twins."""
    return sorted(FOLDER.glob("*_small.yaml"))


def row(campaign: Campaign, times: list[RunTime]) -> list[str]:
    """Return the cells of one campaign."""
    chips = campaign.seeds.count if campaign.accuracy else "-"
    infer = sum(time.cpu_s for time in times if time.rule == "infer")
    return [
        f"`{campaign.name}`",
        str(len(campaign.points)),
        str(chips),
        f"{sum(time.cpu_s for time in times) / 60:.1f}",
        f"{infer / 60:.1f}",
        f"{max(time.peak_mib for time in times):.0f}",
    ]


def table(results: Path = RESULTS) -> str:
    """Return the table (Markdown) of the twins that have run to the end."""
    lines = [list(HEADER), ["---"] + ["---:"] * (len(HEADER) - 1)]
    for file in twins():
        campaign = load_campaign(file)
        if (results / "campaigns" / campaign.name / "summary.md").is_file():
            lines.append(row(campaign, run_times(campaign, results)))
    return markdown(lines)


def main() -> None:
    """Print the table, or write it."""
    content = table()
    if "--write" not in sys.argv[1:]:
        print(content, end="")
        return
    text = FILE.read_text(encoding="utf-8")
    FILE.write_text(replaced(text, BEGIN, END, content), encoding="utf-8")


if __name__ == "__main__":
    main()
