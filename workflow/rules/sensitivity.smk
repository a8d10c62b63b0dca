# Which parameters matter: Sobol' indices and main effects of the sweeps of a campaign.
rule sensitivity:
    input:
        unpack(PLAN.stage_files),
        points="results/campaigns/{campaign}/points.parquet",
        seeds="results/campaigns/{campaign}/seeds.parquet",
    output:
        "results/campaigns/{campaign}/sensitivity.parquet",
        "results/campaigns/{campaign}/sensitivity.csv",
        "results/campaigns/{campaign}/main_effects.parquet",
        "results/campaigns/{campaign}/main_effects.csv",
    log:
        "results/logs/sensitivity/{campaign}.log",
    benchmark:
        "results/benchmarks/sensitivity/{campaign}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        file=PLAN.campaign_file,
        content=PLAN.designs,
    shell:
        "python -P -m cimsim sensitivity -- {params.file:q} > {log} 2>&1"
