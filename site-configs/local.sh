# This machine alone: jobs run in its background, without a scheduler.
# shellcheck shell=bash disable=SC2034

# Facts: read where jobs are submitted, and in the job.
description="this machine, in the background"
documentation=
scheduler=none
cores_per_node=
gpus_per_node=
gpu_variable=CUDA_VISIBLE_DEVICES
queues=
queue=
queue_option=
project=
directives=
select_suffix=
launch=                # the run starts its ranks itself, with the mpiexec of its environment
each_node=
task_launch=
host_file=
node_local=/tmp
scratch=

# What the job's shell does before the run.
environment() {
    :
}
