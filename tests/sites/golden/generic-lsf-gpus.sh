#!/bin/bash -l
#BSUB -J digits
#BSUB -n 10
#BSUB -R "span[ptile=5]"
#BSUB -W 02:00
#BSUB -o /project/search/experiments/digits/EXP000/job-%J.txt
#BSUB -gpu "num=4"

# digits on generic-lsf; written by supervisor submit

cd /project/search || exit 2

export SUPERVISOR_JOB_END=$(($(date +%s) + 7200))
export SUPERVISOR_NODE_LOCAL="/tmp"
export SUPERVISOR_HOST_FILE="$LSB_DJOB_HOSTFILE"
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:-0,1,2,3}"

export PATH=/project/environment/bin:"$PATH"

exec /project/environment/bin/mpiexec -n 10 -ppn 5 /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
