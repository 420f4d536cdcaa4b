# Any cluster with Slurm.
# https://slurm.schedmd.com/mpi_guide.html
# https://slurm.schedmd.com/srun.html
# shellcheck shell=bash disable=SC2034

# Facts: read where jobs are submitted, and in the job.
description="any cluster with Slurm"
documentation="https://slurm.schedmd.com/mpi_guide.html"
scheduler=slurm
cores_per_node=
gpus_per_node=
gpu_variable=CUDA_VISIBLE_DEVICES
queues=
queue=
queue_option=
project=
directives=
select_suffix=
launch="srun --mpi=pmi2 --nodes={nodes} --ntasks={ranks} --ntasks-per-node={ranks_per_node}"
each_node="srun --nodes={nodes} --ntasks={nodes} --ntasks-per-node=1"
task_launch="srun --mpi=pmi2 --overlap --nodes={nodes} --ntasks={size} --ntasks-per-node={per_node} --nodelist={hosts}"
host_file=
node_local=/tmp
scratch=

# What the job's shell does before the run.
environment() {
    :
}
