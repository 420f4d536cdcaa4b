# Aurora, ALCF: nodes with two Xeon Max of 52 cores and 6 Intel GPUs of two tiles.
# https://docs.alcf.anl.gov/aurora/
# https://docs.alcf.anl.gov/aurora/running-jobs-aurora/
# https://docs.alcf.anl.gov/aurora/getting-started-on-aurora/
# https://docs.alcf.anl.gov/aurora/data-science/python/
# https://docs.alcf.anl.gov/aurora/data-management/lustre/flare/
# https://docs.alcf.anl.gov/running-jobs/
# shellcheck shell=bash disable=SC2034

# Facts: read where jobs are submitted, and in the job.
description="Aurora at ALCF, nodes with 12 GPU tiles"
documentation="https://docs.alcf.anl.gov/aurora/running-jobs-aurora/"
scheduler=pbs
cores_per_node=102     # of 104; two are the system's
gpus_per_node=12       # tiles, each used as a device
gpu_variable=ZE_AFFINITY_MASK
# In the queue prod, up to 512 nodes have 6 hours, 1024 have 12, 1919 have 18, and more have 24.
queues="
prod            1-10624       24:00:00
prod-large      1920-10624    24:00:00
debug           1-2           01:00:00
debug-scaling   2-31          01:00:00
visualization   1-32          08:00:00
"
queue=prod
queue_option=
project=required
directives="
-l place=scatter
-l filesystems=home:flare
"
select_suffix=:system=aurora
launch="mpiexec -n {ranks} --ppn {ranks_per_node} --depth={cores_per_rank} --cpu-bind depth"
each_node="mpiexec -n {nodes} --ppn 1"
task_launch="mpiexec -n {size} --ppn {per_node} --hosts {hosts}"
host_file=PBS_NODEFILE
node_local=/tmp
scratch=/lus/flare/projects # has a folder for each project

# What the job's shell does before the run.
environment() {
    # The machine's MPICH, a default module, in place of the wheel's.
    export LD_LIBRARY_PATH=$MPI_ROOT/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
    export MPIR_CVAR_ENABLE_GPU=0 # messages are in the memory of hosts
    export ZE_FLAT_DEVICE_HIERARCHY=FLAT
    # Nodes reach the outside through a proxy.
    export http_proxy=http://proxy.alcf.anl.gov:3128
    export https_proxy=$http_proxy ftp_proxy=$http_proxy
    export no_proxy='localhost,127.0.0.1,*.alcf.anl.gov'
}
