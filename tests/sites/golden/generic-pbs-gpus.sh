#!/bin/bash -l
#PBS -N digits
#PBS -l select=2:ncpus=5:mpiprocs=5:ngpus=4
#PBS -l walltime=02:00:00
#PBS -o /project/search/experiments/digits/EXP000/
#PBS -j oe
#PBS -k doe
#PBS -l place=scatter

# digits on generic-pbs; written by supervisor submit

cd /project/search || exit 2

export SUPERVISOR_JOB_END=$(($(date +%s) + 7200))
export SUPERVISOR_NODE_LOCAL="/tmp"
export SUPERVISOR_HOST_FILE="$PBS_NODEFILE"
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:-0,1,2,3}"

export PATH=/project/environment/bin:"$PATH"

exec /project/environment/bin/mpiexec -n 10 -ppn 5 /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
