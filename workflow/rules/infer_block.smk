# Accuracy of many design points on arrays: one job simulates all seeds of a block of points that
# share a mapping. The results lie where those of rule infer do; the marker says that they are there.
rule infer_block:
    input:
        unpack(PLAN.seed_block_upstream),
    output:
        "results/infer_blocks/{group}/{block}.json",
    log:
        "results/logs/infer_block/{group}_{block}.log",
    benchmark:
        "results/benchmarks/infer_block/{group}_{block}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=int(DEVICE == "cuda"),
    params:
        device=DEVICE,
    shell:
        "python -P -m cimsim infer-block --threads {threads} --device {params.device}"
        ' -- {wildcards.group} {wildcards.block} "${{CIMSIM_CAMPAIGNS[@]}}" > {log} 2>&1'
