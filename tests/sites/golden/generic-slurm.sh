#!/bin/bash -l
#SBATCH --job-name=digits
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --time=02:00:00
#SBATCH --output=/project/search/experiments/digits/EXP000/job-%j.txt
#SBATCH --open-mode=append

# digits on generic-slurm; written by supervisor submit

cd /project/search || exit 2

export SUPERVISOR_NODE_LOCAL="/tmp"

export SUPERVISOR_LAUNCHER='srun --mpi=pmi2 --overlap --nodes={nodes} --ntasks={size} --ntasks-per-node={per_node} --nodelist={hosts}'
export PATH=/project/environment/bin:"$PATH"

exec srun --mpi=pmi2 --nodes=2 --ntasks=8 --ntasks-per-node=4 /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
