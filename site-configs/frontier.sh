# Frontier, OLCF: nodes with one EPYC of 64 cores and 4 AMD MI250X, which are 8 GPUs.
# https://docs.olcf.ornl.gov/systems/frontier_user_guide.html
# https://docs.olcf.ornl.gov/software/containers_on_frontier.html
# https://github.com/olcf/olcf_containers_examples
# shellcheck shell=bash disable=SC2034

# Facts: read where jobs are submitted, and in the job.
description="Frontier at OLCF, nodes with 8 AMD GPUs"
documentation="https://docs.olcf.ornl.gov/systems/frontier_user_guide.html"
scheduler=slurm
cores_per_node=56      # of 64; eight are the system's
gpus_per_node=8
gpu_variable=ROCR_VISIBLE_DEVICES
# In the queue batch, up to 91 nodes have 2 hours, 183 have 6, and more have 12.
queues="
batch       1-9472    12:00:00
extended    1-64      24:00:00
"
queue="batch"
queue_option=
project=required
directives="
--constraint=nvme
--gpus-per-node={gpus_per_node}
"
select_suffix=
launch="srun --nodes={nodes} --ntasks={ranks} --ntasks-per-node={ranks_per_node} --cpus-per-task={cores_per_rank} --threads-per-core=1 --cpu-bind=threads"
each_node="srun --nodes={nodes} --ntasks={nodes} --ntasks-per-node=1"
task_launch="srun --overlap --nodes={nodes} --ntasks={size} --ntasks-per-node={per_node} --nodelist={hosts} --cpu-bind=none"
host_file=
# shellcheck disable=SC2016
node_local='/mnt/bb/$USER'
# shellcheck disable=SC2016
scratch='$MEMBERWORK'  # has a folder for each project

# What the job's shell does before the run.
environment() {
    # Cray's MPI in place of the wheel's: its library with MPICH's binary interface.
    module load cray-mpich-abi
    export LD_LIBRARY_PATH=$CRAY_MPICH_DIR/lib-abi-mpich:$CRAY_LD_LIBRARY_PATH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
    export MPICH_GPU_SUPPORT_ENABLED=0 # messages are in the memory of hosts
}
