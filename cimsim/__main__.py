"""Run the command line with ``python -m cimsim``."""

from cimsim.cli import main

main()
