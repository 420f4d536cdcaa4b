#!/bin/bash -l
#SBATCH --job-name=digits
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=5
#SBATCH --time=02:00:00
#SBATCH --output=/project/search/experiments/digits/EXP000/job-%j.txt
#SBATCH --open-mode=append
#SBATCH --qos=regular
#SBATCH --constraint=gpu
#SBATCH --gpus-per-node=4

# digits on perlmutter; written by supervisor submit

cd /project/search || exit 2

environment() {
    # Cray's MPI in place of the wheel's: its library with MPICH's binary interface.
    module load cray-mpich-abi
    export LD_LIBRARY_PATH=$CRAY_MPICH_DIR/lib-abi-mpich:$CRAY_LD_LIBRARY_PATH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export MPI4PY_MPIABI=mpich
    export MPICH_GPU_SUPPORT_ENABLED=0 # messages are in the memory of hosts
}
environment

export SUPERVISOR_NODE_LOCAL="/tmp"
export SUPERVISOR_SCRATCH="$SCRATCH"
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:-0,1,2,3}"

environment="/tmp/0123456789abcdef"
unpack='# Unpack the archive $1 to the folder $2 of this node, unless an earlier job has done so.
if [ ! -e "$2" ]; then
    # mktemp fills in the last letters.
    mkdir -p -- "${2%/*}" && part=$(mktemp -d "$2.XXXXXX") || exit 1
    if tar -xof "$1" -C "$part" && {
        [ ! -d "$part/interpreter" ] ||
            printf "home = %s/interpreter/bin\n" "$2" >>"$part/pyvenv.cfg"
    }; then
        mv -T -- "$part" "$2" 2>/dev/null || [ -d "$2" ] # another job was faster
    fi
    rm -rf -- "$part"
fi
[ -O "$2" ] && exit
problem="$1 could not be unpacked to $2"
[ ! -e "$2" ] || problem="$2 belongs to another user; name a folder of your own"
echo "supervisor: $(uname -n): $problem" >&2
exit 1
'
srun --nodes=2 --ntasks=2 --ntasks-per-node=1 sh -c "$unpack" unpack /project/search/environments/0123456789abcdef.tar "$environment" || exit 1

export SUPERVISOR_LAUNCHER='srun --overlap --nodes={nodes} --ntasks={size} --ntasks-per-node={per_node} --nodelist={hosts} --cpu-bind=none'
export PATH="$environment/bin":"$PATH"

exec srun --nodes=2 --ntasks=10 --ntasks-per-node=5 --cpus-per-task=12 --threads-per-core=1 --cpu-bind=cores "$environment/bin/python" -P -m supervisor run --resume /project/search/experiments/digits/EXP000
