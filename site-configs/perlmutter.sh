# Perlmutter, NERSC: GPU nodes with one EPYC of 64 cores and 4 Nvidia A100.
# https://docs.nersc.gov/systems/perlmutter/architecture/
# https://docs.nersc.gov/systems/perlmutter/running-jobs/
# https://docs.nersc.gov/jobs/policy/
# https://docs.nersc.gov/jobs/affinity/
# https://docs.nersc.gov/filesystems/perlmutter-scratch/
# shellcheck shell=bash disable=SC2034

# Facts: read where jobs are submitted, and in the job.
description="Perlmutter at NERSC, A100 nodes"
documentation="https://docs.nersc.gov/systems/perlmutter/running-jobs/"
scheduler=slurm
cores_per_node=64
gpus_per_node=4
gpu_variable=CUDA_VISIBLE_DEVICES
queues="
regular     1-1792    48:00:00
debug       1-8       00:30:00
preempt     1-128     48:00:00
premium     1-1792    48:00:00
overrun     1-1792    48:00:00
"
queue=regular
queue_option=--qos
project=               # without one, the user's default project pays
directives="
--constraint=gpu
--gpus-per-node={gpus_per_node}
"
select_suffix=
launch="srun --nodes={nodes} --ntasks={ranks} --ntasks-per-node={ranks_per_node} --cpus-per-task={cores_per_rank} --threads-per-core=1 --cpu-bind=cores"
each_node="srun --nodes={nodes} --ntasks={nodes} --ntasks-per-node=1"
task_launch="srun --overlap --nodes={nodes} --ntasks={size} --ntasks-per-node={per_node} --nodelist={hosts} --cpu-bind=none"
host_file=
node_local=/tmp        # in memory
# shellcheck disable=SC2016
scratch='$SCRATCH'

# What the job's shell does before the run.
environment() {
    # Cray's MPI in place of the wheel's: its library with MPICH's binary interface.
    module load cray-mpich-abi
    export LD_LIBRARY_PATH=$CRAY_MPICH_DIR/lib-abi-mpich:$CRAY_LD_LIBRARY_PATH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
    export MPICH_GPU_SUPPORT_ENABLED=0 # messages are in the memory of hosts
}
