# Polaris, ALCF: nodes with one EPYC of 32 cores and 4 Nvidia A100.
# https://docs.alcf.anl.gov/polaris/
# https://docs.alcf.anl.gov/polaris/running-jobs/
# https://docs.alcf.anl.gov/polaris/running-jobs/using-gpus/
# https://docs.alcf.anl.gov/running-jobs/
# https://docs.alcf.anl.gov/polaris/containers/containers/
# shellcheck shell=bash disable=SC2034

# Facts: read where jobs are submitted, and in the job.
description="Polaris at ALCF, A100 nodes"
documentation="https://docs.alcf.anl.gov/polaris/running-jobs/"
scheduler=pbs
cores_per_node=32
gpus_per_node=4
gpu_variable=CUDA_VISIBLE_DEVICES
# In the queue prod, up to 24 nodes have 3 hours, 99 have 6, and more have 24.
queues="
prod            10-496    24:00:00
debug           1-2       01:00:00
debug-scaling   1-10      01:00:00
preemptable     1-10      72:00:00
capacity        1-4       168:00:00
demand          1-56      01:00:00
"
queue=prod
queue_option=
project=required
directives="
-l place=scatter
-l filesystems=home:eagle
"
select_suffix=:system=polaris
launch="mpiexec -n {ranks} --ppn {ranks_per_node} --depth={cores_per_rank} --cpu-bind depth"
each_node="mpiexec -n {nodes} --ppn 1"
task_launch="mpiexec -n {size} --ppn {per_node} --hosts {hosts}"
host_file=PBS_NODEFILE
node_local=/local/scratch
scratch=/eagle         # has a folder for each project

# What the job's shell does before the run.
environment() {
    # Cray's MPI in place of the wheel's: its library with MPICH's binary interface.
    module load cray-mpich-abi
    export LD_LIBRARY_PATH=$CRAY_MPICH_DIR/lib-abi-mpich:$CRAY_LD_LIBRARY_PATH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
    export MPICH_GPU_SUPPORT_ENABLED=0 # messages are in the memory of hosts
    # Nodes reach the outside through a proxy.
    export http_proxy=http://proxy.alcf.anl.gov:3128
    export https_proxy=$http_proxy ftp_proxy=$http_proxy
    export no_proxy='localhost,127.0.0.1,*.alcf.anl.gov'
}
