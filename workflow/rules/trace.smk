# Integer inputs of each matrix layer, whose bits drive the energy model.
rule trace:
    input:
        unpack(PLAN.upstream("trace")),
    output:
        "results/trace/{key}/trace.parquet",
    log:
        "results/logs/trace/{key}.log",
    benchmark:
        "results/benchmarks/trace/{key}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        design=PLAN.design("trace"),
    shell:
        "python -P -m cimsim trace --design {params.design:q} --threads {threads} > {log} 2>&1"
