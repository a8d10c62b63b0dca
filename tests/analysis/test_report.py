"""The HTML report: what is in it, that it needs nothing else, and that it works in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cimsim.analysis import schemas
from cimsim.analysis.figures import draw
from cimsim.analysis.join import join
from cimsim.analysis.report.page import write_report
from cimsim.analysis.report.run_times import run_times
from cimsim.campaign.expand import Campaign
from cimsim.errors import UserError
from cimsim.tables import read_table

CAMPAIGN = """
name: test
description: A </script> campaign with <b>marks</b> & signs.
seeds: {count: 4, block: 2}
sweeps:
  - name: adc
    grid: {array.adc.bits: [5, 6, 7], cell.technology: [rram, sram]}
figures:
  - {name: accuracy, kind: line, x: array.adc.bits, colour: cell.technology}
  - {name: front, kind: pareto}
  - {name: bits, kind: heatmap, x: array.adc.bits, y: cell.technology, colour: energy_j}
"""

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, stages_at: Any) -> tuple[Campaign, Path, Path]:
    """Return a campaign, the folder of its results and its report."""
    results = tmp_path_factory.mktemp("report") / "results"
    stages = stages_at(results)
    campaign = stages.campaign(CAMPAIGN)
    tables = results / "campaigns" / "test"
    join(campaign, results=results, output=tables, provenance={"cimsim": "1.2.3"})
    for figure in campaign.figures:
        draw(tables, figure, tables / "figures" / figure.name)
    key = campaign.points[0].keys["infer"]
    for rule, name, seconds in (("infer", f"{key}_0000_0001", 2.0), ("join", "test", 1.0)):
        folder = results / "benchmarks" / rule
        folder.mkdir(parents=True)
        record = {"s": seconds, "cpu_time": 0.5, "max_rss": 10.0}
        (folder / f"{name}.jsonl").write_text(json.dumps(record) + "\n")
    (results / "benchmarks" / "infer" / "ffffffffffff_0000_0001.jsonl").write_text('{"s": 99}')
    output = tables / "report.html"
    write_report(campaign, directory=tables, results=results, output=output)
    return campaign, results, output


class Page(HTMLParser):
    """Tags with their attributes, and the text of the element #data."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self._in_data = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_data = dict(attrs).get("id") == "data"

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data += data


def test_every_point_is_in_the_report_as_in_the_tables(made: tuple[Campaign, Path, Path]) -> None:
    _, _, output = made
    data = json.loads(Page(output.read_text()).data)
    rows = read_table(output.parent / "points.parquet", schemas.points()).to_pylist()
    assert [point["id"] for point in data["points"]] == [row["id"] for row in rows]
    for point, row in zip(data["points"], rows, strict=True):
        assert point["measures"]["accuracy"] == row["accuracy"]
        assert point["bounds"]["accuracy"] == [row["accuracy_low"], row["accuracy_high"]]
        assert point["front"] == row["pareto_energy"]
        assert point["values"]["array.adc.bits"] == row["array.adc.bits"]
        assert len(data["layers"][row["id"]]) == 4
        assert [seed for seed, _ in data["seeds"][row["id"]]] == [0, 1, 2, 3]
    layers = read_table(output.parent / "layers.parquet", schemas.layers()).to_pylist()
    units = {"latency (µs)": 1e6 * layers[0]["latency_s"], "utilisation (%)": 1e2}
    units["utilisation (%)"] *= layers[0]["utilization"]
    for title, value in units.items():
        at = data["layer_columns"].index(title)
        assert data["layers"][layers[0]["id"]][0][at] == pytest.approx(value)
    titles = [column["title"] for column in data["columns"]]
    assert titles[:2] == ["Memory", "ADC resolution (bits)"]


def test_it_needs_no_other_file(made: tuple[Campaign, Path, Path]) -> None:
    page = Page(made[2].read_text())
    links = [a[name] for _, a in page.tags for name in ("src", "href") if a.get(name)]
    assert all(str(link).startswith(("data:", "#")) for link in links)
    assert sum(tag == "img" for tag, _ in page.tags) == 3
    assert not any(tag == "link" and a.get("rel") != "icon" for tag, a in page.tags)


def test_text_of_a_user_is_text(made: tuple[Campaign, Path, Path]) -> None:
    html = made[2].read_text()
    assert "A &lt;/script&gt; campaign with &lt;b&gt;marks&lt;/b&gt; &amp; signs." in html
    assert html.count("</script>") == 2


def test_run_times_are_those_of_the_campaign(made: tuple[Campaign, Path, Path]) -> None:
    campaign, results, _ = made
    found = {time.rule: (time.jobs, time.total_s) for time in run_times(campaign, results)}
    assert found == {"infer": (1, 2.0), "join": (1, 1.0)}


def test_equal_tables_give_equal_reports(made: tuple[Campaign, Path, Path]) -> None:
    campaign, results, output = made
    again = output.with_name("again.html")
    write_report(campaign, directory=output.parent, results=results, output=again)
    assert again.read_bytes() == output.read_bytes()


def test_a_missing_table_is_one_message(made: tuple[Campaign, Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"points\.parquet: no such file"):
        write_report(made[0], directory=tmp_path, results=tmp_path, output=tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


READER = (Path(__file__).with_name("reader.js")).read_text()
READER = f'<pre id="outcome"></pre><script>{READER}</script></body>'

WATCH = """<head><script>
window.problems = [];
addEventListener("error", (e) => window.problems.push(String(e.message)), true);
addEventListener("unhandledrejection", (e) => window.problems.push(String(e.reason)));
for (const level of ["error", "warn"]) console[level] = (...a) => window.problems.push(a.join(" "));
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_it_works_in_a_browser(made: tuple[Campaign, Path, Path], tmp_path: Path) -> None:
    html = made[2].read_text().replace("<head>", WATCH).replace("</body>", READER)
    watched = tmp_path / "watched.html"
    watched.write_text(html)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [str(CHROMIUM), *options, profile, "--window-size=1200,900", "--dump-dom"]
    run = subprocess.run(
        [*command, watched.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert "CONSOLE" not in run.stderr
    (text,) = re.findall(r'<pre id="outcome">(.*?)</pre>', run.stdout, flags=re.DOTALL)
    out = json.loads(text.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
    assert out["errors"] == []
    assert out["images"] == [True] * 3
    assert out["ascending"] == ["5", "5", "6", "6", "7", "7"]
    assert out["descending"] == ["7", "7", "6", "6", "5", "5"]
    assert out["best"] == sorted(out["best"], reverse=True)
    assert len(set(out["best"])) > 2
    assert sorted(out["filtered"]) == ["6", "6", "7", "7"]
    assert out["memory"] == ["SRAM"] * 3
    assert out["cleared"] == 6
    assert out["point"][0].startswith("Design point ")
    assert out["tables"] == 5
    assert out["wide"]
