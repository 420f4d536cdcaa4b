#!/bin/bash -l
#SBATCH --job-name=digits
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=9
#SBATCH --time=02:00:00
#SBATCH --output=/project/search/experiments/digits/EXP000/job-%j.txt
#SBATCH --open-mode=append
#SBATCH --partition=batch
#SBATCH --account=ABC123
#SBATCH --constraint=nvme
#SBATCH --gpus-per-node=8

# digits on frontier; written by supervisor submit

cd /project/search || exit 2

environment() {
    # Cray's MPI in place of the wheel's: its library with MPICH's binary interface.
    module load cray-mpich-abi
    export LD_LIBRARY_PATH=$CRAY_MPICH_DIR/lib-abi-mpich:$CRAY_LD_LIBRARY_PATH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
    export MPICH_GPU_SUPPORT_ENABLED=0 # messages are in the memory of hosts
}
environment

export SUPERVISOR_NODE_LOCAL="/mnt/bb/$USER"
export SUPERVISOR_SCRATCH="$MEMBERWORK"
export ROCR_VISIBLE_DEVICES="${ROCR_VISIBLE_DEVICES:-0,1,2,3,4,5,6,7}"

export SUPERVISOR_LAUNCHER='srun --overlap --nodes={nodes} --ntasks={size} --ntasks-per-node={per_node} --nodelist={hosts} --cpu-bind=none'
export PATH=/project/environment/bin:"$PATH"

exec srun --nodes=2 --ntasks=18 --ntasks-per-node=9 --cpus-per-task=6 --threads-per-core=1 --cpu-bind=threads /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
