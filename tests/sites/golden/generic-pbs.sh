#!/bin/bash -l
#PBS -N digits
#PBS -l select=2:ncpus=4:mpiprocs=4
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

export PATH=/project/environment/bin:"$PATH"

exec /project/environment/bin/mpiexec -n 8 -ppn 4 /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
