# Power, performance and area of the chip.
rule ppa:
    input:
        unpack(PLAN.upstream("ppa")),
    output:
        "results/ppa/{key}/chip.parquet",
        "results/ppa/{key}/layers.parquet",
        "results/ppa/{key}/components.parquet",
    log:
        "results/logs/ppa/{key}.log",
    benchmark:
        "results/benchmarks/ppa/{key}.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        design=PLAN.design("ppa"),
    shell:
        "python -P -m cimsim ppa --design {params.design:q} --threads {threads} > {log} 2>&1"
