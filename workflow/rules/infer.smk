# Accuracy on arrays: one job runs a block of seeds, each a chip instance of its own.
rule infer:
    input:
        unpack(PLAN.upstream("infer")),
    output:
        "results/infer/{key}/seeds_{first}_{last}.parquet",
    log:
        "results/logs/infer/{key}_{first}_{last}.log",
    benchmark:
        "results/benchmarks/infer/{key}_{first}_{last}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=int(DEVICE == "cuda"),
    params:
        design=PLAN.design("infer"),
        device=DEVICE,
    shell:
        "python -P -m cimsim infer --design {params.design:q}"
        " --seeds {wildcards.first}:{wildcards.last} --threads {threads}"
        " --device {params.device} > {log} 2>&1"
