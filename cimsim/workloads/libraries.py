"""Networks of timm, torchvision and transformers, and of the user's own files."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from torch import Tensor, nn

from cimsim.campaign.catalogue import HUB, USER_FILE, hub_config
from cimsim.campaign.own_model import model_files
from cimsim.errors import UserError
from cimsim.workloads.torch_setup import import_timm, import_torchvision

Arguments = Mapping[str, Any]
State = dict[str, Tensor]

HUB_HOST = "huggingface.co"


def build_from(
    name: str, images: Arguments, arguments: Arguments, published: State | None = None
) -> nn.Module:
    """Return the network ``library:NAME`` or ``file.py:function`` with random weights.

    Args:
        name: checked by :func:`cimsim.campaign.catalogue.check_model`.
        images: in_chans, num_classes and img_size; given to the builder where it takes them.
        arguments: of the builder; they win over `images`.
        published: weights that timm publishes, which its builder loads, because it renames some.

    Raises:
        UserError: the network cannot be built so, the file cannot be loaded, or transformers is not
            installed.
    """
    own = USER_FILE.fullmatch(name)
    library, _, of_library = name.partition(":")
    try:
        if own is not None:
            return _own(Path(own["file"]), own["function"], images, arguments)
        if published is not None:
            return _timm(of_library, images, arguments, published)
        return _BUILDERS[library](of_library, images, arguments)
    except UserError:
        raise
    except Exception as error:  # a builder is foreign code and may raise anything
        given = "".join(f", {key}={value!r}" for key, value in arguments.items())
        raise UserError(
            f"workload.model {name}{given}: cannot be built: {type(error).__name__}: "
            f"{str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"
        ) from error


def _timm(
    name: str, images: Arguments, arguments: Arguments, published: State | None = None
) -> nn.Module:
    timm = import_timm()
    given = dict(images)
    # Only networks for one size of image take that size.
    config = timm.models.get_pretrained_cfg(name)
    if config is None or not config.fixed_input_size:
        del given["img_size"]
    given |= arguments
    if published is not None:
        # With the number of its own classes it would leave out the last layer of another number.
        overlay = {"state_dict": published, "num_classes": images["num_classes"]}
        given |= {"pretrained": True, "pretrained_cfg_overlay": overlay}
    network: nn.Module = timm.create_model(name, **given)
    return network


def _torchvision(name: str, images: Arguments, arguments: Arguments) -> nn.Module:
    import_torchvision()
    models = importlib.import_module("torchvision.models")
    given = {"num_classes": images["num_classes"], **arguments}
    network: nn.Module = models.get_model(name, weights=None, **given)
    return network


def _huggingface(name: str, images: Arguments, arguments: Arguments) -> nn.Module:
    """Return a classifier as a folder has it, of a model type (vit, swin, ...) or of the hub.

    The name of one on the hub may be NAME@REVISION: a branch, a tag or a commit.
    """
    if find_spec("transformers") is None:
        raise UserError(
            f"workload.model {HUB}:{name} needs the package transformers; "
            "install it with `pip install 'cimsim[huggingface]'`"
        )
    import_torchvision()
    transformers = importlib.import_module("transformers")
    configs, given = transformers.AutoConfig, {"num_labels": images["num_classes"]}
    file = hub_config(f"{HUB}:{name}")
    if file is not None:
        config = configs.from_pretrained(file.parent, trust_remote_code=False, **given)
    elif name in transformers.CONFIG_MAPPING:
        config = configs.for_model(name, **given)
    else:
        config = _of_hub(configs, name, given)
    sizes = {"num_channels": images["in_chans"], "image_size": images["img_size"]}
    for key, value in {**sizes, **arguments}.items():
        if key in arguments and not hasattr(config, key):
            raise UserError(f"workload.arguments: {key} is no field of {type(config).__name__}")
        if hasattr(config, key):
            setattr(config, key, value)
    network: nn.Module = transformers.AutoModelForImageClassification.from_config(config)
    network.register_forward_hook(_logits)
    return network


def _of_hub(configs: Any, name: str, given: Arguments) -> Any:
    """Return the configuration in the cache of the hub, or else on the hub."""
    repository, _, revision = name.partition("@")
    given = {**given, "revision": revision or "main", "trust_remote_code": False}
    try:
        return configs.from_pretrained(repository, local_files_only=True, **given)
    except OSError:
        pass
    try:
        socket.getaddrinfo(HUB_HOST, 443)  # the hub's own client tries for half a minute
    except OSError as error:
        raise UserError(
            f"workload.model {HUB}:{name} is no model type, no folder and not in the cache of the "
            f"hub, and {HUB_HOST} cannot be reached; put its config.json into a folder and name "
            f"that: {HUB}:FOLDER"
        ) from error
    return configs.from_pretrained(repository, **given)


def _logits(module: nn.Module, inputs: Any, output: Any) -> Tensor:
    """Hook that returns the logits of a classifier of transformers."""
    logits: Tensor = output.logits
    return logits


def _own(file: Path, function: str, images: Arguments, arguments: Arguments) -> nn.Module:
    build = getattr(load_module(file), function, None)
    if not callable(build):
        raise UserError(f"workload.model: {file} has no function {function}")
    network = build(**{**_taken(build, images), **arguments})
    if not isinstance(network, nn.Module):
        raise UserError(
            f"workload.model: {file}:{function} returns {type(network).__name__}; allowed: a "
            "torch.nn.Module"
        )
    return network


def load_module(file: Path) -> ModuleType:
    """Run a Python file as a module of a package that holds the modules beside it.

    Each file has a package of its own, so that modules of the same name do not meet. Nothing runs
    but the source that the key of the network hashes.

    Raises:
        UserError: it imports a module beside it that its key does not cover.
    """
    file = file.absolute()
    package = f"cimsim_model_{hashlib.sha256(str(file).encode()).hexdigest()[:16]}"
    for known in [name for name in sys.modules if name.startswith(f"{package}.")]:
        del sys.modules[known]  # the file may have changed
    _FINDER.files[package] = frozenset(model_files(file))
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    sys.modules[package] = ModuleType(package)
    sys.modules[package].__path__ = [str(file.parent)]
    name = f"{package}.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file, loader=_Source(name, str(file)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles look their module up
    spec.loader.exec_module(module)
    return module


class _Source(SourceFileLoader):
    """Compiles the source at each import: a file in ``__pycache__`` may come from another one."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


class _Finder(MetaPathFinder):
    """Finds the modules that networks of the user's own import with a dot.

    Attributes:
        files: what may run, by the package of :func:`load_module`.
    """

    def __init__(self) -> None:
        self.files: dict[str, frozenset[Path]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a module's source, or a folder without ``__init__.py``; None for other packages.

        Raises:
            UserError: the file is not among those that may run.
            ModuleNotFoundError: there is no such source; extension modules do not count.
        """
        files = self.files.get(fullname.partition(".")[0])
        if files is None:
            return None
        for folder in path or ():
            spec = FileFinder(folder, (_Source, [".py"])).find_spec(fullname)
            if spec is not None and spec.origin is not None and Path(spec.origin) not in files:
                raise UserError(
                    f"{spec.origin} is not part of the key of the network that imports it, because "
                    "no import names it; allowed: imports such as `from .module import name`, "
                    "without * and names that are computed"
                )
            if spec is not None:
                return spec
        raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


_FINDER = _Finder()


def _taken(build: Callable[..., Any], images: Arguments) -> dict[str, Any]:
    """Return what of `images` a function has parameters for."""
    parameters = inspect.signature(build).parameters
    return {name: value for name, value in images.items() if name in parameters}


_BUILDERS: dict[str, Callable[[str, Arguments, Arguments], nn.Module]] = {
    "timm": _timm,
    "torchvision": _torchvision,
    HUB: _huggingface,
}
