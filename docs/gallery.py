"""Write docs/gallery.md and its figures from the results of config/campaigns/gallery.yaml.

snakemake --cores 2 --config campaign=config/campaigns/gallery.yaml
python docs/gallery.py
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import yaml

from cimsim.campaign.expand import load_campaign
from cimsim.campaign.paths import campaign_folder

FOLDER = Path(__file__).parent
CAMPAIGN = FOLDER.parent / "config" / "campaigns" / "gallery.yaml"

HEAD = """<!-- Written by docs/gallery.py from the campaign's results; edit that. -->
# Gallery

One figure of each kind, with its declaration, as the workflow drew them from
[config/campaigns/gallery.yaml](../config/campaigns/gallery.yaml):

```console
$ snakemake --cores 2 --config campaign=config/campaigns/gallery.yaml
$ python docs/gallery.py
```
"""


def main(results: Path) -> None:
    """Copy the figures of the campaign and write the page."""
    campaign = load_campaign(CAMPAIGN)
    source = campaign_folder(campaign.name, results) / "figures"
    declared = yaml.safe_load(CAMPAIGN.read_text(encoding="utf-8"))["figures"]
    parts = [HEAD]
    for figure, given in zip(campaign.figures, declared, strict=True):
        shutil.copyfile(source / f"{figure.name}.svg", FOLDER / "gallery" / f"{figure.name}.svg")
        text = yaml.safe_dump([given], sort_keys=False, default_flow_style=None, width=100).strip()
        title = figure.name[0].upper() + figure.name[1:]
        parts.append(
            f"## {title}\n\n![{title}](gallery/{figure.name}.svg)\n\n{figure.text}\n\n"
            f"```yaml\n{text}\n```\n"
        )
    (FOLDER / "gallery.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results"))
