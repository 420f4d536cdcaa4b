#!/bin/bash -l
#SBATCH --job-name=digits
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=68
#SBATCH --time=02:00:00
#SBATCH --output=/project/search/experiments/digits/EXP000/job-%j.txt
#SBATCH --open-mode=append
#SBATCH --qos=regular
#SBATCH --constraint=knl,quad,cache

# digits on cori; written by supervisor submit

cd /project/search || exit 2

environment() {
    # Cray's MPI in place of the wheel's: its library with MPICH's binary interface.
    module swap cray-mpich cray-mpich-abi
    export LD_LIBRARY_PATH=$CRAY_LD_LIBRARY_PATH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
}
environment

export SUPERVISOR_NODE_LOCAL="/tmp"
export SUPERVISOR_SCRATCH="$SCRATCH"

export SUPERVISOR_LAUNCHER='srun --overlap --nodes={nodes} --ntasks={size} --ntasks-per-node={per_node} --nodelist={hosts} --cpu-bind=none'
export PATH=/project/environment/bin:"$PATH"

exec srun --nodes=2 --ntasks=136 --ntasks-per-node=68 --cpus-per-task=1 --threads-per-core=1 --cpu-bind=cores /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
