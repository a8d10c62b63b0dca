# Power, performance and area of a block of chips that share mapping and trace.
rule ppa:
    input:
        unpack(PLAN.block_upstream),
    output:
        "results/ppa/{group}/{block}/chip.parquet",
        "results/ppa/{group}/{block}/layers.parquet",
        "results/ppa/{group}/{block}/components.parquet",
    log:
        "results/logs/ppa/{group}_{block}.log",
    benchmark:
        "results/benchmarks/ppa/{group}_{block}.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    shell:
        "python -P -m cimsim ppa-block --threads {threads}"
        ' -- {wildcards.group} {wildcards.block} "${{CIMSIM_CAMPAIGNS[@]}}" > {log} 2>&1'
