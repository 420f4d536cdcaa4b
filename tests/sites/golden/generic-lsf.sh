#!/bin/bash -l
#BSUB -J digits
#BSUB -n 8
#BSUB -R "span[ptile=4]"
#BSUB -W 02:00
#BSUB -o /project/search/experiments/digits/EXP000/job-%J.txt

# digits on generic-lsf; written by supervisor submit

cd /project/search || exit 2

export SUPERVISOR_JOB_END=$(($(date +%s) + 7200))
export SUPERVISOR_NODE_LOCAL="/tmp"
export SUPERVISOR_HOST_FILE="$LSB_DJOB_HOSTFILE"

export PATH=/project/environment/bin:"$PATH"

exec /project/environment/bin/mpiexec -n 8 -ppn 4 /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
