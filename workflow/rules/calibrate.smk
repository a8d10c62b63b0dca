# Scales of weights and activations, and the predictions of the float and the quantised network.
rule calibrate:
    input:
        unpack(PLAN.upstream("calibrate")),
    output:
        "results/calibrate/{key}/scales.parquet",
        "results/calibrate/{key}/predictions.parquet",
    log:
        "results/logs/calibrate/{key}.log",
    benchmark:
        "results/benchmarks/calibrate/{key}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        design=PLAN.design("calibrate"),
    shell:
        "python -P -m cimsim calibrate --design {params.design:q} --threads {threads} > {log} 2>&1"
