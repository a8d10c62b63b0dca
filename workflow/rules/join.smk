# Tables of a campaign: one row a design point, seed, layer or component.
rule join:
    input:
        unpack(PLAN.stage_files),
    output:
        "results/campaigns/{campaign}/points.parquet",
        report(
            "results/campaigns/{campaign}/points.csv",
            caption="../report/points.rst",
            category="Tables",
            labels={"campaign": "{campaign}", "table": "points"},
        ),
        "results/campaigns/{campaign}/seeds.parquet",
        "results/campaigns/{campaign}/seeds.csv",
        "results/campaigns/{campaign}/layers.parquet",
        "results/campaigns/{campaign}/components.parquet",
        "results/campaigns/{campaign}/components.csv",
    log:
        "results/logs/join/{campaign}.log",
    benchmark:
        "results/benchmarks/join/{campaign}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        file=PLAN.campaign_file,
        content=PLAN.content,
    shell:
        "python -P -m cimsim join -- {params.file:q} > {log} 2>&1"
