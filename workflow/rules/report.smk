# What others have published, beside the campaign's own.
rule published:
    input:
        "results/campaigns/{campaign}/points.parquet",
    output:
        "results/campaigns/{campaign}/published.csv",
    log:
        "results/logs/published/{campaign}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        file=PLAN.campaign_file,
        text=PLAN.text,
    shell:
        "python -P -m cimsim published -- {params.file:q} > {log} 2>&1"


# One HTML file a campaign: `snakemake --cores 2 reports`.
rule report_page:
    input:
        "results/campaigns/{campaign}/summary.md",
        PLAN.tables,
        PLAN.figures,
    output:
        "results/campaigns/{campaign}/report.html",
    log:
        "results/logs/report_page/{campaign}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        file=PLAN.campaign_file,
        text=PLAN.text,
    shell:
        "python -P -m cimsim report -- {params.file:q} > {log} 2>&1"


rule reports:
    input:
        PLAN.reports(),
