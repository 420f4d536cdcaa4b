# Theta, ALCF: Cray XC40, nodes with one Knights Landing of 64 cores. Retired in December 2023.
# https://docs.alcf.anl.gov/theta/hardware-overview/machine-overview/
# https://docs.alcf.anl.gov/theta/queueing-and-running-jobs/job-and-queue-scheduling/
# https://docs.alcf.anl.gov/theta/queueing-and-running-jobs/example-job-scripts/
# https://docs.alcf.anl.gov/theta/data-management/filesystem-and-storage/theta-file-systems/
# https://docs.alcf.anl.gov/theta/data-science-workflows/containers/containers/
# shellcheck shell=bash disable=SC2034

# Facts: read where jobs are submitted, and in the job.
description="Theta at ALCF, Knights Landing nodes; retired in December 2023"
documentation="https://docs.alcf.anl.gov/theta/queueing-and-running-jobs/job-and-queue-scheduling/"
scheduler=cobalt
cores_per_node=64
gpus_per_node=0
gpu_variable=
# In the queue default, 128 nodes had 3 hours, 256 had 6, 384 had 9, 640 had 12, and 802 had 24.
queues="
default             128-4100    24:00:00
debug-cache-quad    1-8         01:00:00
debug-flat-quad     1-8         01:00:00
"
queue=default
queue_option=
project=required
directives="
--attrs filesystems=home,eagle
"
select_suffix=
launch="aprun -n {ranks} -N {ranks_per_node} -d {cores_per_rank} -j 1 -cc depth"
each_node="aprun -n {nodes} -N 1"
task_launch=           # aprun starts programs from the job's script only
host_file=
node_local=            # /local/scratch, where the project had asked for it
scratch=/eagle

# What the job's shell does before the run.
environment() {
    # Cray's MPI in place of the wheel's: its library with MPICH's binary interface.
    module swap cray-mpich cray-mpich-abi
    local cray=/opt/cray libraries=$CRAY_LD_LIBRARY_PATH name
    for name in ugni udreg xpmem alps wlm_detect; do
        libraries+=:$cray/$name/default/lib64
    done
    export LD_LIBRARY_PATH=$libraries:$cray/diag/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
}
