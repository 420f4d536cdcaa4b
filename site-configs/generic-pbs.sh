# Any cluster with PBS Professional or OpenPBS, whose nodes reach each other by ssh.
# https://openpbs.org
# https://github.com/pmodels/mpich/blob/main/doc/wiki/how_to/Using_the_Hydra_Process_Manager.md
# shellcheck shell=bash disable=SC2034

# Facts: read where jobs are submitted, and in the job.
description="any cluster with PBS"
documentation="https://openpbs.org"
scheduler=pbs
cores_per_node=
gpus_per_node=
gpu_variable=CUDA_VISIBLE_DEVICES
queues=
queue=
queue_option=
project=
directives="
-l place=scatter
"
select_suffix=":ncpus={ranks_per_node}:mpiprocs={ranks_per_node}"
launch="{mpiexec} -n {ranks} -ppn {ranks_per_node}" # MPICH's, which reads PBS_NODEFILE
each_node="{mpiexec} -n {nodes} -ppn 1"
task_launch=
host_file=PBS_NODEFILE
node_local=/tmp
scratch=

# What the job's shell does before the run.
environment() {
    :
}
