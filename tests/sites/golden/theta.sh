#!/bin/bash -l
#COBALT --jobname digits
#COBALT -n 128
#COBALT -t 120
#COBALT -O /project/search/experiments/digits/EXP000/job-$jobid
#COBALT -q default
#COBALT -A ABC123
#COBALT --attrs filesystems=home,eagle

# What is below runs in another shell. If it ends with 3, the next job of a chain is to go on.
if [ "$1" != run ]; then
    bash -l "$0" run &
    run=$!
    trap 'kill -TERM "$run"' TERM
    wait "$run"
    code=$?
    [ "$code" -le 128 ] || { wait "$run"; code=$?; } # a signal has ended the first wait
    exit $((code == 3 ? 0 : code))
fi

# digits on theta; written by supervisor submit

cd /project/search || exit 2

environment() {
    # Cray's MPI in place of the wheel's: its library with MPICH's binary interface.
    module swap cray-mpich cray-mpich-abi
    local cray=/opt/cray libraries=$CRAY_LD_LIBRARY_PATH name
    for name in ugni udreg xpmem alps wlm_detect; do
        libraries+=:$cray/$name/default/lib64
    done
    export LD_LIBRARY_PATH=$libraries:$cray/diag/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
}
environment

export SUPERVISOR_JOB_END=$(($(date +%s) + 7200))
export SUPERVISOR_SCRATCH="/eagle"

export PATH=/project/environment/bin:"$PATH"

exec aprun -n 8192 -N 64 -d 1 -j 1 -cc depth /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
