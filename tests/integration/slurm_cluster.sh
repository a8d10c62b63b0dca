#!/usr/bin/env bash
# A Slurm cluster of one machine for the tests: `slurm_cluster.sh start|stop FOLDER`.
#
# Needs root and Debian's packages slurm-wlm and munge, but neither systemd, control groups nor a
# database. FOLDER takes the configuration, state and logs; /etc/slurm/slurm.conf becomes a link to
# it, because Snakemake's plugin removes SLURM_CONF from the environment of jobs.
set -euo pipefail
action=$1
folder=$2

stop() {
    scancel --user=root 2>/dev/null || true
    for daemon in slurmd slurmctld; do
        if [ -s "$folder/$daemon.pid" ]; then kill "$(cat "$folder/$daemon.pid")" || true; fi
    done
    if [ -s "$folder/munged.pid" ]; then kill "$(cat "$folder/munged.pid")" || true; fi
    if [ "$(readlink /etc/slurm/slurm.conf)" = "$folder/slurm.conf" ]; then
        rm -f /etc/slurm/slurm.conf /etc/slurm/gres.conf
    fi
}

start_munge() {
    if munge --no-input >/dev/null 2>&1; then return; fi
    [ -s /etc/munge/munge.key ] || runuser -u munge -- /usr/sbin/mungekey --create
    install --directory --owner=munge --group=munge --mode=755 /run/munge
    runuser -u munge -- /usr/sbin/munged
    cp /run/munge/munged.pid "$folder/munged.pid"
}

write_configuration() {
    local name memory
    name=$(hostname -s)
    memory=$(awk '/^MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    cat >"$folder/slurm.conf" <<CONF
ClusterName=cimsim
SlurmctldHost=$name(127.0.0.1)
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
MpiDefault=none
# Without control groups processes are found through /proc ...
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# ... and a job that uses more memory than it asked for is seen and killed by looking every second.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# Finished jobs stay visible: there is no database to ask.
MinJobAge=600
KillWait=2
ReturnToService=2
GresTypes=gpu
NodeName=$name NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory Gres=gpu:1 State=UNKNOWN
PartitionName=tests Nodes=$name Default=YES MaxTime=INFINITE State=UP
CONF
    # A GPU for scheduling alone; without a device file the node would not start.
    echo "Name=gpu File=/dev/null" >"$folder/gres.conf"
}

start() {
    if [ -e /etc/slurm/slurm.conf ]; then
        echo "slurm_cluster.sh: /etc/slurm/slurm.conf: this machine has a Slurm of its own" >&2
        exit 1
    fi
    mkdir -p "$folder"/{state,spool} /etc/slurm
    start_munge
    write_configuration
    ln -sfn "$folder/slurm.conf" /etc/slurm/slurm.conf
    ln -sfn "$folder/gres.conf" /etc/slurm/gres.conf
    slurmctld
    slurmd
    for _ in $(seq 100); do
        if [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]; then return; fi
        sleep 0.2
    done
    echo "slurm_cluster.sh: the node is not idle after 20 s; see $folder/*.log" >&2
    exit 1
}

"$action"
