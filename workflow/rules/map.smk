# Weights on arrays: layer table, integer weights, histogram of column sums, digital operations.
rule map:
    input:
        unpack(PLAN.upstream("map")),
    output:
        "results/map/{key}/layers.parquet",
        "results/map/{key}/weights.parquet",
        "results/map/{key}/column_sums.parquet",
        "results/map/{key}/operations.parquet",
    log:
        "results/logs/map/{key}.log",
    benchmark:
        "results/benchmarks/map/{key}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        design=PLAN.design("map"),
    shell:
        "python -P -m cimsim map --design {params.design:q} --threads {threads} > {log} 2>&1"
