# Summit, OLCF: nodes with two POWER9 and 6 Nvidia V100. Retired in November 2024.
# https://docs.olcf.ornl.gov/systems/summit_user_guide.html
# https://docs.olcf.ornl.gov/systems/2024_olcf_system_changes.html
# https://docs.olcf.ornl.gov/data/burst_buffer.html
# shellcheck shell=bash disable=SC2034

# Facts: read where jobs are submitted, and in the job.
description="Summit at OLCF, POWER9 and V100 nodes; retired in November 2024"
documentation="https://docs.olcf.ornl.gov/systems/summit_user_guide.html"
scheduler=lsf
cores_per_node=42      # of 44; two are the system's
gpus_per_node=6
gpu_variable=CUDA_VISIBLE_DEVICES
# In the queue batch, up to 45 nodes had 2 hours, 91 had 6, 921 had 12, and more had 24.
queues="
batch       1-4608    24:00:00
batch-hm    1-54      24:00:00
killable    1-91      24:00:00
debug       1-4608    02:00:00
"
queue="batch"
queue_option=
project=required
directives='
-nnodes {nodes}
-alloc_flags "nvme smt1"
'
select_suffix=
# One resource set a node: all ranks of a node see its GPUs, and Supervisor shares them out.
launch="jsrun --nrs {nodes} --rs_per_host 1 --tasks_per_rs {ranks_per_node} --cpu_per_rs 42 --gpu_per_rs {gpus_per_node} --bind packed:{cores_per_rank} --launch_distribution packed"
each_node="jsrun --nrs {nodes} --rs_per_host 1 --tasks_per_rs 1 --cpu_per_rs 1"
task_launch=           # jsrun starts programs from the job's script only
host_file=LSB_DJOB_HOSTFILE
# shellcheck disable=SC2016
node_local='/mnt/bb/$USER'
# shellcheck disable=SC2016
scratch='$MEMBERWORK'  # has a folder for each project

# What the job's shell does before the run.
environment() {
    : # Spectrum MPI is no MPICH: mpi4py was built with its mpicc
}
