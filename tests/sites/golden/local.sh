#!/bin/bash -l
exec >>/project/search/experiments/digits/EXP000/job-"$$".txt 2>&1

# digits on local; written by supervisor submit

cd /project/search || exit 2

export SUPERVISOR_JOB_END=$(($(date +%s) + 7200))
export SUPERVISOR_NODE_LOCAL="/tmp"

export PATH=/project/environment/bin:"$PATH"

exec /project/environment/bin/python -P -m supervisor run -n 4 --resume /project/search/experiments/digits/EXP000
