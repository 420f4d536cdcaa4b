#!/bin/bash -l
#BSUB -J digits
#BSUB -W 02:00
#BSUB -o /project/search/experiments/digits/EXP000/job-%J.txt
#BSUB -q batch
#BSUB -P ABC123
#BSUB -nnodes 2
#BSUB -alloc_flags "nvme smt1"

# digits on summit; written by supervisor submit

cd /project/search || exit 2

export SUPERVISOR_JOB_END=$(($(date +%s) + 7200))
export SUPERVISOR_NODE_LOCAL="/mnt/bb/$USER"
export SUPERVISOR_SCRATCH="$MEMBERWORK"
export SUPERVISOR_HOST_FILE="$LSB_DJOB_HOSTFILE"
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:-0,1,2,3,4,5}"

export PATH=/project/environment/bin:"$PATH"

exec jsrun --nrs 2 --rs_per_host 1 --tasks_per_rs 7 --cpu_per_rs 42 --gpu_per_rs 6 --bind packed:6 --launch_distribution packed /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
