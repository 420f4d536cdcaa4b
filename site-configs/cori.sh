# Cori, NERSC: Cray XC40, nodes with one Knights Landing of 68 cores. Retired in May 2023.
# https://www.nersc.gov/news-publications/nersc-news/nersc-center-news/2023/nersc-and-the-hpc-community-bid-farewell-to-cori-supercomputer/
# https://www.nersc.gov/users/computational-systems/cori/configuration/
# https://nersc.gitlab.io/jobs/policy/
# https://docs.nersc.gov/filesystems/cori-scratch/
# https://shifter.readthedocs.io/en/latest/mpi/mpich_abi.html
# shellcheck shell=bash disable=SC2034

# Facts: read where jobs are submitted, and in the job.
description="Cori at NERSC, Knights Landing nodes; retired in May 2023"
documentation="https://nersc.gitlab.io/jobs/policy/"
scheduler=slurm
cores_per_node=68
gpus_per_node=0
gpu_variable=
queues="
regular     1-9489    48:00:00
debug       1-512     00:30:00
premium     1-9489    48:00:00
low         1-9489    48:00:00
flex        1-256     48:00:00
overrun     1-9489    48:00:00
"
queue=regular
queue_option=--qos
project=               # without one, the user's default project pays
directives="
--constraint=knl,quad,cache
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
    module swap cray-mpich cray-mpich-abi
    export LD_LIBRARY_PATH=$CRAY_LD_LIBRARY_PATH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
}
