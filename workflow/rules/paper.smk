# The published case studies of config/paper: all that this machine has data for, one run of the
# workflow inside this one, since they are campaigns of their own; this one has locked the results
# for both. What is missing is printed.
rule paper:
    log:
        "results/logs/paper.log",
    # Asked for when the job runs: through a scheduler there may be no number of cores.
    threads: lambda wildcards: workflow.cores
    params:
        snakefile=workflow.main_snakefile,
        folder=Path(workflow.basedir, "config/paper"),
    shell:
        "{{ python -P -m cimsim paper {params.folder:q}"
        " && CIMSIM_RESULTS_LOCKED=1 python -P -m snakemake reports --snakefile {params.snakefile:q} --cores {threads}"
        ' --config "campaign=$(python -P -m cimsim paper --ready {params.folder:q})";'
        " }} 2>&1 | tee {log}"
