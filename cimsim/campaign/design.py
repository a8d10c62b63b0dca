"""The design point: the full, validated description of one experiment.

Every field has a default, so that a campaign names only what it varies. Fields that a stage reads
enter its key (see :mod:`cimsim.campaign.keys`); a field that equals its default never does, so a
new field keeps old keys.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cimsim.campaign.array import Array, ChargeColumn
from cimsim.campaign.catalogue import (
    HUB,
    LIBRARIES,
    OWN_MODELS,
    Arguments,
    ModelName,
    check_weights,
)
from cimsim.campaign.data_source import DatasetName, is_image_files
from cimsim.campaign.fidelity import Fidelity
from cimsim.campaign.hardware import Buffers, Buses, Calibration, CellCircuit, Drivers, Wires
from cimsim.campaign.layer_rules import parse_bits
from cimsim.campaign.nonideality import Nonideality
from cimsim.campaign.quantization import Quantization
from cimsim.campaign.section import Fraction, Section

NODES = (130, 90, 65, 45, 32, 22, 14, 10, 7, 5, 3, 2, 1)
"""Technology nodes in nm that have a technology table (specification circuits.md 1.1)."""

OLDEST_FINFET = 14
"""First node (nm) of the FinFET and gate-all-around tables: LSTP at 300 K only, no RRAM."""


TRAIN = "train"
"""Value of workload.checkpoint that trains the network in the workflow."""


class Workload(Section):
    """Which network runs on which images."""

    model: ModelName = Field(
        "vgg8",
        description=f"network: {', '.join(OWN_MODELS)}, timm:NAME, torchvision:NAME, "
        "huggingface:NAME or path/to/file.py:function; docs/workloads.md",
    )
    arguments: Arguments = Field(
        (),
        description="arguments of the function that builds the network, each as name=value "
        "(not for vgg8)",
    )
    width: float = Field(
        0.125, gt=0.0, le=4.0, description="multiplier of the channel counts (VGG-8 only)"
    )
    dataset: DatasetName = Field(
        "digits16",
        description="images: digits16, shapes10, cifar10, cifar100, imagenet, or folder:PATH; "
        "NAME:PATH says where the files of a data set are (default: data/); docs/workloads.md",
    )
    images: int = Field(0, ge=0, description="test images that are evaluated; 0 = all")
    checkpoint: str = Field(
        TRAIN,
        description="'train' (seeded, in the workflow) or a path to a state_dict or *.safetensors",
    )
    weights: str = Field(
        "",
        description="published weights by name instead of a checkpoint: of torchvision "
        "(IMAGENET1K_V1), a tag of timm (a1_in1k) or a revision of the hub (main)",
    )
    weights_sha256: str = Field(
        "",
        pattern="^([0-9a-f]{64})?$",
        description="SHA-256 that the file of published weights must have; empty: it is recorded",
    )
    recipe: Literal["standard", "augmented"] = Field(
        "standard",
        description="how the network is trained: a few epochs on the images as they are, or longer "
        "on images that are moved, and turned where they may be; docs/workloads.md",
    )
    epochs: int = Field(0, ge=0, le=10000, description="epochs of training; 0 = the recipe's")
    training_seed: int = Field(
        0, ge=0, description="seed of the initial weights and of the order of images"
    )

    @model_validator(mode="after")
    def _can_be_trained(self) -> Self:
        if self.checkpoint == TRAIN and not self.weights and is_image_files(self.dataset):
            raise ValueError(
                f"checkpoint is train but dataset {self.dataset} is too large to train on in a "
                "workflow; allowed: a checkpoint file or published weights, or digits16, shapes10, "
                "cifar10, cifar100"
            )
        return self

    @model_validator(mode="after")
    def _published(self) -> Self:
        if not self.weights and self.weights_sha256:
            raise ValueError("weights_sha256 is that of published weights; allowed: with weights")
        if not self.weights:
            return self
        library = self.model.partition(":")[0]
        if library not in (*LIBRARIES, HUB):
            raise ValueError(
                f"weights is {self.weights!r} but nobody publishes weights of {self.model}; "
                f"allowed: with a model of {', '.join(LIBRARIES)} or {HUB}"
            )
        if self.checkpoint != TRAIN:
            raise ValueError(
                f"weights is {self.weights!r} and checkpoint is {self.checkpoint!r}; allowed: one "
                "of them"
            )
        if library in LIBRARIES:
            check_weights(self.model.partition(".")[0], self.weights, "")
        return self


class Cell(Section):
    """The memory cell."""

    technology: Literal["sram", "rram", "fefet", "nvcap"] = Field(
        "rram", description="memory technology"
    )
    bits: int = Field(1, ge=1, le=4, description="bits per cell")
    resistance_on: float = Field(6e3, gt=0.0, description="resistance of the highest state, ohm")
    resistance_off: float = Field(102e3, gt=0.0, description="resistance of the lowest state, ohm")
    states_file: str = Field(
        "",
        description="CSV with columns mean,std (S), one row per state, lowest first; "
        "replaces the two resistances "
        "in the accuracy path",
    )
    access: Literal["cmos", "none"] = Field(
        "cmos", description="access device: CMOS transistor or cross-point"
    )
    circuit: CellCircuit = CellCircuit()


class Chip(Section):
    """Technology, floor plan and system of the chip."""

    node: int = Field(
        22,
        ge=1,
        le=1000,
        description=f"technology node, nm: {', '.join(map(str, NODES))}, or that of the "
        "technology file",
    )
    technology_file: str = Field(
        "", description="YAML file that describes a node of one's own; docs/technology.md"
    )
    roadmap: Literal["lstp", "hp"] = Field(
        "lstp", description="low standby power or high performance devices"
    )
    temperature: int = Field(300, ge=300, le=400, description="K")
    transistor: Literal["conventional", "fet_2d", "tfet"] = Field(
        "conventional", description="the transistor of the node, a MoS2 FET or a tunnel FET (22 nm)"
    )
    mapping: Literal["novel", "conventional"] = Field(
        "novel",
        description="novel: one processing element per kernel position; conventional: "
        "unrolled matrix",
    )
    pipeline: bool = Field(True, description="layers work on successive images at the same time")
    speed_up: int = Field(
        8, ge=1, description="upper bound of the pipeline's speed-up of early layers"
    )
    global_bus: Literal["xy", "htree"] = Field("xy", description="interconnect between tiles")
    global_buffer: Literal["register", "sram"] = Field("register", description="chip buffer")
    tile_buffer: Literal["register", "sram"] = Field("register", description="tile buffers")
    activation: Literal["chip", "tile"] = Field(
        "chip", description="where the activation units sit"
    )
    activation_function: Literal["relu", "sigmoid"] = Field(
        "relu", description="what the activation units compute"
    )
    sigmoid_storage: Literal["sram", "rram"] = Field(
        "sram", description="memory of the table of the sigmoid"
    )
    synchronous: bool = Field(
        True, description="latencies in clock cycles; the slowest sensing sets the clock"
    )
    clock_frequency: float = Field(
        1e9,
        gt=0.0,
        le=1e12,
        description="fastest clock in which delays count as cycles, Hz; a cycle lasts as long as "
        "sensing does, however slow this clock (chip.md Q53); asynchronous: that of registers",
    )
    data_transfer: Literal["buffered", "synchronous"] = Field(
        "buffered",
        description="synchronous: all data moves in one transfer of the global buffer at a time "
        "(H-tree, novel mapping, pipeline, register buffer, activation at chip level)",
    )
    input_toggle: Fraction = Field(0.18, description="switching rate of input bits on buses")
    output_toggle: Fraction = Field(0.5, description="switching rate of output bits on buses")
    post_layout_calibration: bool = Field(
        True, description="apply the silicon calibration factors alpha..zeta"
    )
    trace_images: int = Field(1, ge=1, description="images whose activity drives the energy model")
    dynamic_products: Literal["digital", "sram_array", "none"] = Field(
        "digital",
        description="where products of two activations (attention) are computed: digital SRAM "
        "macros, SRAM subarrays that are written each time, or not counted",
    )
    dynamic_activity: Fraction = Field(
        0.5, description="share of ones among the bits of the operands of such products"
    )
    digital_operations: Literal["counted", "none"] = Field(
        "counted",
        description="residual adds, softmax, layer norm and other digital operations: counted or "
        "not",
    )
    digital_lanes: int = Field(
        64, ge=1, le=65536, description="elements that a unit for such operations takes in at once"
    )
    buffers: Buffers = Buffers()
    buses: Buses = Buses()
    wires: Wires = Wires()
    drivers: Drivers = Drivers()
    calibration: Calibration = Calibration()

    @model_validator(mode="after")
    def _circuits_exist(self) -> Self:
        if not self.technology_file and self.node not in NODES:
            raise ValueError(
                f"node is {self.node}; allowed: {', '.join(map(str, NODES))}, or any with a "
                "technology_file that describes it"
            )
        if self.transistor != "conventional" and self.node != 22:
            raise ValueError(
                f"node is {self.node} but transistor {self.transistor} has tables for [22]"
            )
        if self.data_transfer == "synchronous":
            needed = {
                "global_bus": "htree",
                "global_buffer": "register",
                "activation": "chip",
                "mapping": "novel",
                "pipeline": True,
                "synchronous": True,
            }
            lacking = [name for name, choice in needed.items() if getattr(self, name) != choice]
            if lacking:
                raise ValueError(
                    "data_transfer is synchronous, which needs "
                    + ", ".join(f"{name} {str(needed[name]).lower()}" for name in lacking)
                )
        return self


class DesignPoint(Section):
    """One experiment: network, quantisation, cell, non-idealities, array and chip."""

    workload: Workload = Workload()
    quantization: Quantization = Quantization()
    cell: Cell = Cell()
    nonideality: Nonideality = Nonideality()
    array: Array = Array()
    chip: Chip = Chip()
    fidelity: Fidelity = Fidelity()

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        cell, chip, adc = self.cell, self.chip, self.array.adc
        if cell.bits > self.quantization.weight_bits:
            raise ValueError(
                f"cell.bits is {cell.bits} but quantization.weight_bits is "
                f"{self.quantization.weight_bits}; "
                f"allowed: 1 to {self.quantization.weight_bits}"
            )
        if self.array.charge != ChargeColumn() and cell.technology != "nvcap":
            raise ValueError(
                f"array.charge is given but cell.technology is {cell.technology}; allowed: "
                "nvcap, or no array.charge"
            )
        wires = [
            name
            for name in ("row_wire_resistance", "column_wire_resistance")
            if getattr(self.array, name)
        ]
        if wires and cell.technology not in ("rram", "fefet"):
            raise ValueError(
                f"array.{wires[0]} is given but cell.technology is {cell.technology}, whose cells "
                "have no conductance in S; allowed: rram, fefet, or 0"
            )
        frozen = self.fidelity.drift_direction_scope == "device"
        if not frozen and (wires or self.array.charge != ChargeColumn()):
            raise ValueError(
                f"array.{wires[0] if wires else 'charge'} is given but "
                "fidelity.drift_direction_scope is read; allowed: device"
            )
        signed = self.array.signed_weights
        if signed != "offset" and self.fidelity.input_shift == "data_minimum":
            raise ValueError(
                f"array.signed_weights is {signed} but fidelity.input_shift is data_minimum, which "
                "shifts the weights; allowed: offset, or input_shift zero_point"
            )
        if cell.technology == "sram" and cell.bits != 1:
            raise ValueError(f"cell.bits is {cell.bits} but an sram cell holds 1 bit; allowed: 1")
        if self.array.dac_bits > self.quantization.input_bits:
            raise ValueError(
                f"array.dac_bits is {self.array.dac_bits} but quantization.input_bits is "
                f"{self.quantization.input_bits}; allowed: 1 to {self.quantization.input_bits}"
            )
        if self.quantization.dynamic_products != "float" and self.quantization.input_bits > 8:
            raise ValueError(
                f"quantization.input_bits is {self.quantization.input_bits} but "
                f"quantization.dynamic_products is {self.quantization.dynamic_products}, whose "
                "operands have up to 8 bits; allowed: 2 to 8, or dynamic_products float"
            )
        finfet = chip.node <= OLDEST_FINFET and not chip.technology_file
        if cell.technology == "rram" and finfet:
            allowed = [n for n in NODES if n > OLDEST_FINFET]
            raise ValueError(
                f"chip.node is {chip.node} but cell.technology rram supports {allowed}"
            )
        if cell.technology == "nvcap" and chip.node != 22:
            raise ValueError(f"chip.node is {chip.node} but cell.technology nvcap supports [22]")
        if finfet and (chip.roadmap != "lstp" or chip.temperature != 300):
            raise ValueError(
                f"chip.node {chip.node} has tables for roadmap lstp at 300 K only; "
                f"got {chip.roadmap} at {chip.temperature} K"
            )
        if cell.technology == "nvcap" and adc.kind == "mlsa" and adc.sensing == "current":
            raise ValueError("array.adc.sensing is current but cell.technology nvcap needs voltage")
        if cell.circuit.charge_delay is not None and cell.technology != "nvcap":
            raise ValueError(
                f"cell.circuit.charge_delay is {cell.circuit.charge_delay!r} s but "
                f"cell.technology {cell.technology} transfers no charge; allowed: null"
            )
        if (
            cell.technology != "sram"
            and not cell.states_file
            and cell.resistance_off <= cell.resistance_on
        ):
            raise ValueError(
                f"cell.resistance_off is {cell.resistance_off!r} ohm but must be above "
                f"cell.resistance_on "
                f"({cell.resistance_on!r} ohm)"
            )
        return self

    @model_validator(mode="after")
    def _rules_for_layers_fit(self) -> Self:
        codes, adc = self.quantization, self.array.adc
        for name, rules, limiting, least in (
            ("layer_weight_bits", codes.layer_weight_bits, "cell.bits", self.cell.bits),
            ("layer_input_bits", codes.layer_input_bits, "array.dac_bits", self.array.dac_bits),
        ):
            for rule in rules:
                if parse_bits(rule)[1] < least:
                    raise ValueError(
                        f"quantization.{name} is {rule} but {limiting} is {least}; allowed: "
                        f"{least} to 16 bits"
                    )
        if self.chip.data_transfer == "synchronous":
            for name, rules in (
                ("quantization.layer_weight_bits", codes.layer_weight_bits),
                ("quantization.layer_input_bits", codes.layer_input_bits),
                ("array.adc.layer_bits", adc.layer_bits),
            ):
                if rules:
                    raise ValueError(
                        f"{name} is given but chip.data_transfer is synchronous, whose tiles are "
                        "all equal; allowed: buffered"
                    )
        return self
