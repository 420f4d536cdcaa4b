# Biowulf, NIH: GPU nodes with one EPYC of 32 cores and 4 Nvidia A100.
# https://hpc.nih.gov/docs/userguide.html
# https://hpc.nih.gov/policies/multinode.html
# https://hpc.nih.gov/storage/
# https://slurm.schedmd.com/mpi_guide.html
# shellcheck shell=bash disable=SC2034

# Facts: read where jobs are submitted, and in the job.
description="Biowulf at NIH, A100 nodes"
documentation="https://hpc.nih.gov/docs/userguide.html"
scheduler=slurm
cores_per_node=32
gpus_per_node=4
gpu_variable=CUDA_VISIBLE_DEVICES
queues="
gpu     -    240:00:00
"
queue=gpu
queue_option=
project=
directives="
--exclusive
--gres=gpu:a100:{gpus_per_node},lscratch:100
"
select_suffix=
launch="srun --mpi=pmi2 --nodes={nodes} --ntasks={ranks} --ntasks-per-node={ranks_per_node} --cpus-per-task={cores_per_rank} --threads-per-core=1 --cpu-bind=cores"
each_node="srun --nodes={nodes} --ntasks={nodes} --ntasks-per-node=1"
task_launch="srun --mpi=pmi2 --overlap --nodes={nodes} --ntasks={size} --ntasks-per-node={per_node} --nodelist={hosts} --cpu-bind=none"
host_file=
# shellcheck disable=SC2016
node_local='/lscratch/$SLURM_JOB_ID' # the 100 GB asked for above
# shellcheck disable=SC2016
scratch='/data/$USER'

# What the job's shell does before the run.
environment() {
    :
}
