"""The chip of a design for a network that DNN+NeuroSim V1.5 has traced."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.keys import canonical, changed_fields, file_digest
from cimsim.campaign.layer_design import layer_designs
from cimsim.errors import UserError
from cimsim.ppa.digital import UNKNOWN
from cimsim.ppa.engine import Activity, NetworkLayer, needs_weights, unpadded_positions
from cimsim.ppa.neurosim_files import (
    NetworkLine,
    TraceCommand,
    TracePair,
    find_traces,
    layer_names,
    read_inputs,
    read_network_table,
    read_weights,
)
from cimsim.ppa.parameters import chip_contexts
from cimsim.ppa.stage import Tables, chip_tables


@dataclass(frozen=True)
class TracedNetwork:
    """A network table and the files of its layers, in the order of the table."""

    table: Path
    lines: list[NetworkLine]
    pairs: list[TracePair]

    def about(self, point: DesignPoint) -> dict[str, str]:
        """Return what results of these files and a design depend on, for their provenance."""
        files = [self.table, *(file for p in self.pairs for file in (p.weights, p.inputs))]
        digests = "\n".join(file_digest(file) for file in files)
        return {
            "stage": "ppa of DNN+NeuroSim files",
            "design": canonical(changed_fields(point)),
            "files": f"sha256:{hashlib.sha256(digests.encode()).hexdigest()}",
        }


def open_network(point: DesignPoint, table: Path, traces: Sequence[Path]) -> TracedNetwork:
    """Read the network table and find the files of its layers.

    Args:
        point: the design, with which the numbers in a command file have to agree.
        table: the network table (``NetWork_<model>.csv``).
        traces: a folder with a command file, a command file, or weights and inputs in turn.

    Raises:
        UserError: a malformed file, another number of pairs than of layers, or a contradiction to
            the design.
    """
    lines = read_network_table(table)
    found = find_traces(traces)
    if isinstance(found, TraceCommand):
        _check_command(found, point)
        found = found.pairs
    if len(found) != len(lines):
        raise UserError(
            f"{table}: {len(lines)} layers but {len(found)} pairs of trace files; allowed: one "
            "file of weights and one of inputs for each layer"
        )
    return TracedNetwork(table, lines, found)


def _check_command(command: TraceCommand, point: DesignPoint) -> None:
    """Refuse a design that differs from the arguments of the traced command."""
    for field, asked, held in (
        ("quantization.weight_bits", command.weight_bits, point.quantization.weight_bits),
        ("quantization.input_bits", command.input_bits, point.quantization.input_bits),
        ("array.rows", command.rows, point.array.rows),
        ("array.parallel_rows", command.parallel_rows, point.array.parallel_rows),
    ):
        if asked != held:
            raise UserError(
                f"{command.file}: the command says {asked} but {field} is {held}; set "
                f'"{field}": {asked} in --design'
            )


def evaluate_network(point: DesignPoint, network: TracedNetwork) -> Tables:
    """Return the columns of the tables chip, layers and components.

    Every file is read and checked; weights are kept only if figures depend on them.

    Raises:
        UserError: a malformed file, or no circuit for the design.
    """
    names = layer_names(network.pairs)
    of_layer = layer_designs(point, names)
    context, tiles = chip_contexts(point, [of_layer[name] for name in names])
    keep = needs_weights(context)
    layers, inputs, stored = [], [], []
    for name, line, pair in zip(names, network.lines, network.pairs, strict=True):
        bits = of_layer[name].quantization
        codes = read_inputs(pair.inputs, line.rows, bits.input_bits)
        positions = _positions(line, codes.shape[1], pair.inputs, point)
        layers.append(_layer(name, line, positions))
        inputs.append([codes])
        weights = read_weights(
            pair.weights,
            line.rows,
            line.out_channels,
            bits.weight_bits,
            point.fidelity.weight_digits,
        )
        if keep:
            stored.append(weights)
    input_bits = [of_layer[name].quantization.input_bits for name in names]
    activity = Activity(layers, inputs, stored, input_bits)
    rest = {"name": "", "kind": UNKNOWN, "on_layer_unit": False}
    return chip_tables(point, context, layers, range(len(layers)), activity, [rest], tiles)


def _layer(name: str, line: NetworkLine, positions: float) -> NetworkLayer:
    return NetworkLayer(
        name=name,
        height=line.height,
        width=line.width,
        in_channels=line.in_channels,
        kernel_height=line.kernel_height,
        kernel_width=line.kernel_width,
        out_channels=line.out_channels,
        pooled=line.pooled,
        positions=positions,
    )


def _positions(line: NetworkLine, vectors: int, path: Path, point: DesignPoint) -> float:
    """Return the input vectors of an image that a layer computes.

    With ``fidelity.trace_vectors: unpadded`` as the reference counts them. Otherwise all outputs of
    the convolution: the table does not have its padding, but the trace has one vector an output,
    and one dummy vector more if it was made with one image in a batch.

    Raises:
        UserError: the trace has too few vectors, or a number that no padding explains.
    """
    if point.fidelity.trace_vectors == "unpadded":
        positions = unpadded_positions(
            line.height, line.width, line.kernel_height, line.kernel_width, line.stride
        )
        if line.height < line.kernel_height or line.width < line.kernel_width or positions < 1:
            raise UserError(
                f"{path}: the kernel of the layer ({line.kernel_height} x {line.kernel_width}, "
                f"stride {line.stride}) is larger than its map ({line.height} x {line.width}), "
                'of which the reference counts no vector; set "fidelity.trace_vectors": "all"'
            )
        if vectors < int(positions):
            raise UserError(
                f"{path}: line 1, column {vectors + 1}: the lines end after {vectors} vectors, but "
                f"the network's layer has {int(positions)} without padding"
            )
        return positions
    for surplus in (0, 1):
        for padding in range(max(line.kernel_height, line.kernel_width)):
            if vectors - surplus == _outputs(line, padding):
                return float(vectors - surplus)
    raise UserError(
        f"{path}: {vectors} vectors are those of no padding of the network's layer (without "
        f"padding it has {_outputs(line, 0)}); allowed: one vector an output, or "
        '"fidelity.trace_vectors": "unpadded"'
    )


def _outputs(line: NetworkLine, padding: int) -> int:
    """Return the output positions of a convolution with the same padding on every side."""
    down = (line.height + 2 * padding - line.kernel_height) // line.stride + 1
    across = (line.width + 2 * padding - line.kernel_width) // line.stride + 1
    return max(down, 0) * max(across, 0)
