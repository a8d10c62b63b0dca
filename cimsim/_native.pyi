# The native engine documents its own types (`help(cimsim._native)`); to type checkers they are Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
