#!/bin/bash -l
#PBS -N digits
#PBS -l select=2:system=aurora
#PBS -l walltime=02:00:00
#PBS -o /project/search/experiments/digits/EXP000/
#PBS -j oe
#PBS -k doe
#PBS -q prod
#PBS -A ABC123
#PBS -l place=scatter
#PBS -l filesystems=home:flare

# digits on aurora; written by supervisor submit

cd /project/search || exit 2

environment() {
    # The machine's MPICH, a default module, in place of the wheel's.
    export LD_LIBRARY_PATH=$MPI_ROOT/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
    export MPIR_CVAR_ENABLE_GPU=0 # messages are in the memory of hosts
    export ZE_FLAT_DEVICE_HIERARCHY=FLAT
    # Nodes reach the outside through a proxy.
    export http_proxy=http://proxy.alcf.anl.gov:3128
    export https_proxy=$http_proxy ftp_proxy=$http_proxy
    export no_proxy='localhost,127.0.0.1,*.alcf.anl.gov'
}
environment

export SUPERVISOR_JOB_END=$(($(date +%s) + 7200))
export SUPERVISOR_NODE_LOCAL="/tmp"
export SUPERVISOR_SCRATCH="/lus/flare/projects"
export SUPERVISOR_HOST_FILE="$PBS_NODEFILE"
export ZE_AFFINITY_MASK="${ZE_AFFINITY_MASK:-0,1,2,3,4,5,6,7,8,9,10,11}"

# The machine's own mpiexec, not that of the environment.
mpiexec=$(command -v mpiexec) || { echo "supervisor: there is no mpiexec; let the site's environment() load its module" >&2; exit 2; }
export SUPERVISOR_LAUNCHER="$mpiexec -n {size} --ppn {per_node} --hosts {hosts}"
export PATH=/project/environment/bin:"$PATH"

exec "$mpiexec" -n 26 --ppn 13 --depth=7 --cpu-bind depth /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
