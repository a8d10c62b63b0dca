# cimsim: campaigns of compute-in-memory benchmarks.
#
#   snakemake --cores 2                                     the default campaign
#   snakemake --cores 2 --config campaign=my/campaign.yaml  another one (or several: a.yaml,b.yaml)
#   snakemake --cores 2 reports                             and an HTML report of it
#   snakemake --cores 2 --config device=cuda                array products on a GPU
#
# A campaign is expanded here, at parse time, by code that loads neither torch nor pandas; every
# result is found under the key of exactly what it depends on (cimsim/campaign/keys.py).
import shlex
import sys
from os.path import relpath
from pathlib import Path

from snakemake.utils import min_version

# Snakemake puts this folder on the import path, where the sources would hide an installed package.
sys.path = [entry for entry in sys.path if Path(entry) != Path(workflow.basedir)]

from cimsim.campaign.disk import full_disk
from cimsim.campaign.lock import lock_results
from cimsim.campaign.plan import load_plan
from cimsim.campaign.progress import failure_lines
from cimsim.campaign.scheduler import refuse_unquotable
from cimsim.errors import UserError

min_version("9.14")

try:
    # The checks of input files are for the main process: it stops the run before any job starts.
    PLAN = load_plan(
        config.get(
            "campaign", relpath(Path(workflow.basedir, "config/campaigns/digits.yaml"))
        ),
        check=workflow.is_main_process,
    )
except UserError as error:
    # A WorkflowError would be followed by a line of traceback.
    raise SystemExit(f"cimsim: {error}") from None

# The results of both devices lie under the same key: see docs/simulator.md.
DEVICE = config.get("device", "cpu")
if DEVICE not in ("cpu", "cuda"):
    raise SystemExit(f"cimsim: device is {DEVICE!r}; allowed: cpu, cuda")

# Jobs run the Python that runs Snakemake, whether or not its environment is activated, and their
# idle threads sleep instead of spinning. Snakemake itself sets OMP_NUM_THREADS to a job's threads.
# Jobs on blocks of points read their own in the campaign files: a command line may be too short for
# them. The files are no parameter of the rules, because blocks are the same in whichever run of
# campaigns they are.
# The prefix takes the place of Snakemake's own, whose options stand here again.
shell.prefix(
    (
        "set -euo pipefail; "
        f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH OMP_WAIT_POLICY=PASSIVE; "
        f"CIMSIM_CAMPAIGNS=({shlex.join(PLAN.campaign_files())}); "
    )
    .replace("{", "{{")
    .replace("}", "}}")
)


# Jobs share Snakemake's environment; `--sdm apptainer` runs them in this image instead, which is
# built from envs/Containerfile.
container: "envs/cimsim.sif"


report: "workflow/report/workflow.rst"


wildcard_constraints:
    key="[0-9a-f]{12}",
    group="[0-9a-f]{12}",
    block="[0-9a-f]{12}",
    first=r"\d{4,10}",
    last=r"\d{4,10}",
    campaign="[a-z0-9][a-z0-9_-]*",
    figure="[a-z][a-z0-9_]*",


localrules:
    all,
    reports,
    paper,


onstart:
    try:
        if workflow.non_local_exec:
            refuse_unquotable(
                [workflow.workdir_init, str(config.get("campaign", ""))]
            )
        lock_results()
    except UserError as error:
        raise SystemExit(f"cimsim: {error}") from None


onerror:
    if said := full_disk():
        print(f"cimsim: {said}", file=sys.stderr)
    for said in failure_lines(PLAN.campaigns.values()):
        print(f"cimsim: {said}", file=sys.stderr)


rule all:
    default_target: True
    input:
        PLAN.targets(),


include: "workflow/rules/checkpoint.smk"
include: "workflow/rules/calibrate.smk"
include: "workflow/rules/map.smk"
include: "workflow/rules/infer.smk"
include: "workflow/rules/infer_block.smk"
include: "workflow/rules/budget.smk"
include: "workflow/rules/trace.smk"
include: "workflow/rules/ppa.smk"
include: "workflow/rules/join.smk"
include: "workflow/rules/sensitivity.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/paper.smk"
