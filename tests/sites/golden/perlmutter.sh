#!/bin/bash -l
#SBATCH --job-name=digits
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=5
#SBATCH --time=02:00:00
#SBATCH --output=/project/search/experiments/digits/EXP000/job-%j.txt
#SBATCH --open-mode=append
#SBATCH --qos=regular
#SBATCH --constraint=gpu
#SBATCH --gpus-per-node=4

# digits on perlmutter; written by supervisor submit

cd /project/search || exit 2

environment() {
    # Cray's MPI in place of the wheel's: its library with MPICH's binary interface.
    module load cray-mpich-abi
    export LD_LIBRARY_PATH=$CRAY_MPICH_DIR/lib-abi-mpich:$CRAY_LD_LIBRARY_PATH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
    export MPICH_GPU_SUPPORT_ENABLED=0 # messages are in the memory of hosts
}
environment

export SUPERVISOR_NODE_LOCAL="/tmp"
export SUPERVISOR_SCRATCH="$SCRATCH"
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:-0,1,2,3}"

export SUPERVISOR_LAUNCHER='srun --overlap --nodes={nodes} --ntasks={size} --ntasks-per-node={per_node} --nodelist={hosts} --cpu-bind=none'
export PATH=/project/environment/bin:"$PATH"

exec srun --nodes=2 --ntasks=10 --ntasks-per-node=5 --cpus-per-task=12 --threads-per-core=1 --cpu-bind=cores /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
