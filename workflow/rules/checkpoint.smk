# The network: trained with a fixed seed, or read from a checkpoint file.
rule checkpoint:
    output:
        "results/checkpoint/{key}/state.parquet",
        "results/checkpoint/{key}/training.parquet",
    log:
        "results/logs/checkpoint/{key}.log",
    benchmark:
        "results/benchmarks/checkpoint/{key}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        design=PLAN.design("checkpoint"),
    shell:
        "python -P -m cimsim checkpoint --design {params.design:q} --threads {threads} > {log} 2>&1"
