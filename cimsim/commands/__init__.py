"""The commands of the command line, a module for each group.

Modules that load torch, pandas or pyarrow are imported inside the commands, so that each starts
fast and none loads more than it needs.
"""
