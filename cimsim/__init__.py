"""cimsim: benchmark campaigns for compute-in-memory as a Snakemake workflow."""

__version__ = "0.1.0"
