#!/bin/bash -l
#PBS -N digits
#PBS -l select=10:system=polaris
#PBS -l walltime=02:00:00
#PBS -o /project/search/experiments/digits/EXP000/
#PBS -j oe
#PBS -k doe
#PBS -q prod
#PBS -A ABC123
#PBS -l place=scatter
#PBS -l filesystems=home:eagle

# digits on polaris; written by supervisor submit

cd /project/search || exit 2

environment() {
    # Cray's MPI in place of the wheel's: its library with MPICH's binary interface.
    module load cray-mpich-abi
    export LD_LIBRARY_PATH=$CRAY_MPICH_DIR/lib-abi-mpich:$CRAY_LD_LIBRARY_PATH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
    export MPICH_GPU_SUPPORT_ENABLED=0 # messages are in the memory of hosts
    # Nodes reach the outside through a proxy.
    export http_proxy=http://proxy.alcf.anl.gov:3128
    export https_proxy=$http_proxy ftp_proxy=$http_proxy
    export no_proxy='localhost,127.0.0.1,*.alcf.anl.gov'
}
environment

export SUPERVISOR_JOB_END=$(($(date +%s) + 7200))
export SUPERVISOR_NODE_LOCAL="/local/scratch"
export SUPERVISOR_SCRATCH="/eagle"
export SUPERVISOR_HOST_FILE="$PBS_NODEFILE"
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:-0,1,2,3}"

# The machine's own mpiexec, not that of the environment.
mpiexec=$(command -v mpiexec) || { echo "supervisor: there is no mpiexec; let the site's environment() load its module" >&2; exit 2; }
export SUPERVISOR_LAUNCHER="$mpiexec -n {size} --ppn {per_node} --hosts {hosts}"
export PATH=/project/environment/bin:"$PATH"

exec "$mpiexec" -n 50 --ppn 5 --depth=6 --cpu-bind depth /project/environment/bin/python -P -m supervisor run --resume /project/search/experiments/digits/EXP000
