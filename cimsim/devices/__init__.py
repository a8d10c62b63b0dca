"""Memory cells: states, and how real cells deviate from them."""

from cimsim.devices.program import ProgrammedCells, program

__all__ = ["ProgrammedCells", "program"]
