# Figures and summary of a campaign, from its tables alone.
rule figure:
    input:
        PLAN.figure_tables,
    output:
        report(
            "results/campaigns/{campaign}/figures/{figure}.svg",
            caption="../report/figure.rst",
            category="Figures",
            labels={"campaign": "{campaign}", "figure": "{figure}"},
        ),
        "results/campaigns/{campaign}/figures/{figure}.png",
    log:
        "results/logs/figure/{campaign}_{figure}.log",
    benchmark:
        "results/benchmarks/figure/{campaign}_{figure}.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        file=PLAN.campaign_file,
        declaration=PLAN.figure,
        caption=PLAN.caption,
    shell:
        "python -P -m cimsim figure -- {params.file:q} {wildcards.figure} > {log} 2>&1"


rule summary:
    input:
        PLAN.tables,
        PLAN.figures,
    output:
        "results/campaigns/{campaign}/summary.md",
    log:
        "results/logs/summary/{campaign}.log",
    benchmark:
        "results/benchmarks/summary/{campaign}.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        file=PLAN.campaign_file,
        text=PLAN.text,
    shell:
        "python -P -m cimsim summary -- {params.file:q} > {log} 2>&1"
