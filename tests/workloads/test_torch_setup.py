"""The settings under which the float parts of a network run, and what loading them costs."""

import subprocess
import sys

import torch

from cimsim.workloads.torch_setup import import_timm, reproducible


def test_settings_hold_inside_and_come_back():
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with reproducible():
        assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (1, True)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


def test_the_stages_load_neither_timm_nor_the_compiler():
    script = (
        "import sys\n"
        "import cimsim.calibration.stage\n"
        "from cimsim.workloads.torch_setup import reproducible\n"
        "with reproducible(): pass\n"
        "heavy = {'timm', 'torchvision', 'sklearn', 'torch._dynamo'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_timm_loads_beside_any_torchvision():
    assert import_timm().create_model("test_vit", pretrained=False) is not None
