"""Campaign files that include others: what wins, and which file a message names."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cimsim.campaign.expand import Campaign, load_campaign
from cimsim.campaign.include import MOST_FILES, read_merged
from cimsim.campaign.plan import Plan
from cimsim.errors import UserError


def write(folder: Path, **texts: str) -> Path:
    """Write files NAME.yaml and return c.yaml."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / "c.yaml"


def only(campaign: Campaign) -> dict[str, object]:
    (point,) = campaign.points
    return point.changed


def test_the_file_wins_over_its_includes_and_later_ones_over_earlier(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        a="name: a\nbase: {array.adc.bits: 4, chip.node: 32, cell.bits: 2}\nseeds: {count: 4}\n",
        b="base: {array: {adc: {bits: 5}}, chip: {node: 45}}\nseeds: {first: 7, block: 2}\n",
        c="name: c\ninclude: [a.yaml, b.yaml]\nbase: {array.adc.bits: 6}\nseeds: {block: 4}\n",
    )
    campaign = load_campaign(file)
    assert campaign.name == "c"
    assert only(campaign) == {"array.adc.bits": 6, "chip.node": 45, "cell.bits": 2}
    seeds = campaign.seeds
    assert (seeds.count, seeds.first, seeds.block) == (4, 7, 4)


def test_a_preset_of_a_later_file_wins_over_fields_of_an_earlier_one(tmp_path: Path) -> None:
    """As the base of a sweep wins over that of the campaign."""
    presets = tmp_path / "p.yaml"
    presets.write_text("array.adc.bits: 4\n")
    a = "base: {array.adc.bits: 5, chip.node: 32}\n"
    file = write(tmp_path, a=a, c="name: c\ninclude: a.yaml\nbase: {preset: p.yaml}\n")
    assert only(load_campaign(file)) == {"array.adc.bits": 4, "chip.node": 32}
    file = write(tmp_path, a=a, c="name: c\nbase: {preset: p.yaml}\ninclude: a.yaml\n")
    assert only(load_campaign(file))["array.adc.bits"] == 4


def test_lists_are_replaced(tmp_path: Path) -> None:
    a = "sweeps: [{grid: {chip.node: [22, 32]}}]\nfigures: [{name: f, kind: pareto}]\n"
    file = write(tmp_path, a=a, c="name: c\ninclude: a.yaml\n")
    assert len(load_campaign(file).points) == 2
    file.write_text(file.read_text() + "sweeps: [{grid: {chip.node: [22, 32, 45]}}]\nfigures: []\n")
    campaign = load_campaign(file)
    assert (len(campaign.points), campaign.figures) == (3, ())


def test_includes_of_includes_are_relative_to_their_file(tmp_path: Path) -> None:
    (tmp_path / "lib" / "deep").mkdir(parents=True)
    write(tmp_path / "lib", x="include: deep/y.yaml\nbase: {chip.node: 32}\n")
    write(tmp_path / "lib" / "deep", y="include: ../z.yaml\nbase: {array.adc.bits: 6}\n")
    write(tmp_path / "lib", z="base: {cell.states_file: s.csv, array.adc.bits: 3}\n")
    (tmp_path / "lib" / "s.csv").write_text("mean,std\n5.0e-6,0.6e-6\n1.0e-4,2.4e-6\n")
    campaign = load_campaign(write(tmp_path, c="name: c\ninclude: lib/x.yaml\n"))
    states = str(tmp_path / "lib" / "s.csv")
    assert only(campaign) == {"chip.node": 32, "array.adc.bits": 6, "cell.states_file": states}


def test_the_merged_content_decides_about_jobs(tmp_path: Path) -> None:
    """Keys and what runs again are those of one file with the same content."""
    whole = write(tmp_path, c="name: c\nbase: {chip.node: 32}\nseeds: {count: 2}\n")
    expected = load_campaign(whole)
    write(tmp_path, a="base: {chip.node: 32}\nseeds: {count: 2}\n", c="name: c\ninclude: a.yaml\n")

    class Job:
        campaign = "c"

    found = load_campaign(whole)
    assert [point.keys for point in found.points] == [point.keys for point in expected.points]
    before = Plan([found]).content(Job)
    assert before == Plan([expected]).content(Job)
    write(tmp_path, a="base: {chip.node: 32}\nseeds: {count: 3}\n")
    assert Plan([load_campaign(whole)]).content(Job) != before


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"a": "base: {array.adc.bit: 4}", "c": ""}, "a.yaml: base.array.adc.bit: unknown key"),
        ({"a": "base: 4", "c": ""}, "a.yaml: base: 4 is not allowed; allowed: keys with values"),
        ({"a": "seeds: {count: 0}", "c": "seeds: {block: 2}"}, "a.yaml: seeds.count: 0 is not al"),
        ({"a": "seeds: {count: 2}", "c": "seeds: {block: 0}"}, "c.yaml: seeds.block: 0 is not al"),
        ({"a": "seedz: {count: 2}", "c": ""}, "a.yaml: seedz: unknown key (did you mean 'seeds'?)"),
        (
            {"a": "sweeps: [{grid: {chip.node: [23]}}]", "c": ""},
            "a.yaml: sweeps[0].grid.chip.node[0]: chip.node is 23",
        ),
        (
            {"a": "base: {array.rows: 64}", "c": "base: {array.parallel_rows: 128}"},
            "c.yaml: base.array.parallel_rows: array.parallel_rows is 128 but must divide rows",
        ),
        ({"a": "name: [", "c": ""}, "a.yaml: line 2, column 1: "),
        ({"a": "include: c.yaml", "c": ""}, "a.yaml: include: 'c.yaml' includes itself: "),
        ({"c": "include: [c.yaml]"}, "c.yaml: include[0]: 'c.yaml' includes itself: "),
        ({"c": "include: [no.yaml]"}, "c.yaml: include[0]: 'no.yaml': no such file; allowed: a fi"),
        ({"c": "include: /etc/passwd"}, "c.yaml: include: '/etc/passwd' is not allowed; allowed: "),
        ({"c": "include: [7]"}, "c.yaml: include[0]: 7 is not allowed; allowed: a file relative"),
        ({"c": "include: {a: b}"}, "c.yaml: include: {'a': 'b'} is not allowed; allowed: a file"),
    ],
)
def test_a_message_names_the_file_of_the_value(
    texts: dict[str, str], message: str, tmp_path: Path
) -> None:
    include = "" if "include" in texts["c"] else "include: a.yaml\n"
    file = write(tmp_path, **{**texts, "c": f"name: c\n{include}{texts['c']}\n"})
    with pytest.raises(UserError) as caught:
        load_campaign(file)
    assert str(caught.value).startswith(f"{tmp_path}/{message}")
    assert "\n" not in str(caught.value)


def test_includes_that_grow_without_bound_are_refused(tmp_path: Path) -> None:
    """Each file includes the next one nine times."""
    for n in range(6):
        include = [f"f{n + 1}.yaml"] * 9 if n < 5 else []
        (tmp_path / f"f{n}.yaml").write_text(f"include: {include}\n")
    with pytest.raises(UserError, match=f"f0.yaml: include: more than {MOST_FILES} files"):
        load_campaign(tmp_path / "f0.yaml")


@pytest.mark.parametrize("levels", [101, 900, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_values_within_values_without_end_are_refused(
    levels: int, opening: str, closing: str, tmp_path: Path
) -> None:
    text = f"name: c\nbase:\n  {opening * levels}{closing * levels}\n"
    with pytest.raises(UserError, match=r"c.yaml: values within values, more than 100 levels"):
        load_campaign(write(tmp_path, c=text))


@pytest.mark.parametrize(
    "text",
    ["x: &x {y: *x}\n", "".join(f"k{n}: &a{n} [{f'*a{n - 1}' if n else 1}]\n" for n in range(200))],
)
def test_aliases_do_not_hide_levels(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"c.yaml: values within values, more than 100 levels"):
        read_merged(write(tmp_path, c=text))


def test_an_alias_keeps_its_value_where_another_use_is_overridden(tmp_path: Path) -> None:
    a = "one: &common {x: 1, inner: {y: 2}}\ntwo: *common\n"
    file = write(tmp_path, a=a, c="include: a.yaml\none: {x: 5, inner: {y: 6}}\n")
    merged = read_merged(file)
    assert merged.content == {
        "one": {"x": 5, "inner": {"y": 6}},
        "two": {"x": 1, "inner": {"y": 2}},
    }
    assert merged.origin("one", "inner", "y") == file
    assert merged.origin("two", "inner", "y") == tmp_path / "a.yaml"


KEYS = st.sampled_from("pqr")
CONTENT = st.recursive(
    st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def overlaid(under: object, over: object) -> object:
    """Return the merge of two values by its definition."""
    if not (isinstance(under, dict) and isinstance(over, dict)):
        return over
    both = {key: overlaid(under[key], over[key]) for key in under.keys() & over.keys()}
    return under | over | both


@given(contents=st.lists(st.dictionaries(KEYS, CONTENT, max_size=3), min_size=1, max_size=3))
def test_merging_by_its_definition(
    contents: list[dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    expected: object = {}
    for n, content in enumerate(contents):
        (folder / f"{n}.yaml").write_text(yaml.safe_dump(content))
        expected = overlaid(expected, content)
    names = [f"{n}.yaml" for n in range(len(contents))]
    (folder / "main.yaml").write_text(yaml.safe_dump({"include": names}))
    merged = read_merged(folder / "main.yaml")
    assert merged.content == expected
    for keys, file in merged.origins.items():
        value: object = contents[int(file.stem)]
        for key in keys:
            assert isinstance(value, dict)
            value = value[key]
