# Where a design point loses accuracy: the ADC and each effect, alone and one after another.
rule budget:
    input:
        unpack(PLAN.upstream("infer")),
    output:
        "results/budget/{key}/steps_{first}_{last}.parquet",
        "results/budget/{key}/layers_{first}_{last}.parquet",
        "results/budget/{key}/codes_{first}_{last}.parquet",
    log:
        "results/logs/budget/{key}_{first}_{last}.log",
    benchmark:
        "results/benchmarks/budget/{key}_{first}_{last}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=int(DEVICE == "cuda"),
    params:
        design=PLAN.design("infer"),
        device=DEVICE,
    shell:
        "python -P -m cimsim budget --design {params.design:q}"
        " --seeds {wildcards.first}:{wildcards.last} --threads {threads}"
        " --device {params.device} > {log} 2>&1"


# Budgets of all points of a campaign in three tables.
rule budget_tables:
    input:
        unpack(PLAN.budget_files),
    output:
        "results/campaigns/{campaign}/budget.parquet",
        report(
            "results/campaigns/{campaign}/budget.csv",
            caption="../report/budget.rst",
            category="Tables",
            labels={"campaign": "{campaign}", "table": "budget"},
        ),
        "results/campaigns/{campaign}/budget_layers.parquet",
        "results/campaigns/{campaign}/budget_codes.parquet",
    log:
        "results/logs/budget_tables/{campaign}.log",
    benchmark:
        "results/benchmarks/budget_tables/{campaign}.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        file=PLAN.campaign_file,
        content=PLAN.content,
    shell:
        "python -P -m cimsim budget-tables -- {params.file:q} > {log} 2>&1"
