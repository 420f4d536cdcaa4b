#!/bin/bash -l
#SBATCH --job-name=digits
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=5
#SBATCH --time=02:00:00
#SBATCH --output=/project/search/experiments/digits/EXP000/job-%j.txt
#SBATCH --open-mode=append
#SBATCH --partition=gpu
#SBATCH --exclusive
#SBATCH --gres=gpu:a100:4,lscratch:100

# digits on biowulf; written by supervisor submit

cd /project/search || exit 2

export SUPERVISOR_NODE_LOCAL="/lscratch/$SLURM_JOB_ID"
export SUPERVISOR_SCRATCH="/data/$USER"
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:-0,1,2,3}"

export SUPERVISOR_LAUNCHER='srun --mpi=pmi2 --overlap --nodes={nodes} --ntasks={size} --ntasks-per-node={per_node} --nodelist={hosts} --cpu-bind=none'
export PATH=/project/environment/bin:"$PATH"

exec srun --mpi=pmi2 --nodes=2 --ntasks=10 --ntasks-per-node=5 --cpus-per-task=6 --threads-per-core=1 --cpu-bind=cores /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
