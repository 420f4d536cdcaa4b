# Any cluster with LSF.
# https://www.ibm.com/docs/en/spectrum-lsf/10.1.0?topic=reference-blaunch
# https://github.com/pmodels/mpich/blob/main/doc/wiki/how_to/Using_the_Hydra_Process_Manager.md
# shellcheck shell=bash disable=SC2034

# Facts: read where jobs are submitted, and in the job.
description="any cluster with LSF"
documentation="https://www.ibm.com/docs/en/spectrum-lsf/10.1.0"
scheduler=lsf
cores_per_node=
gpus_per_node=
gpu_variable=CUDA_VISIBLE_DEVICES
queues=
queue=
queue_option=
project=
directives=
select_suffix=
launch="{mpiexec} -n {ranks} -ppn {ranks_per_node}" # MPICH's, which asks LSF for the hosts
each_node="{mpiexec} -n {nodes} -ppn 1"
task_launch=
host_file=LSB_DJOB_HOSTFILE
node_local=/tmp
scratch=

# What the job's shell does before the run.
environment() {
    :
}
