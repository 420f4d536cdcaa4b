"""Machines: what they have, how their schedulers are asked, and the scripts of jobs."""
