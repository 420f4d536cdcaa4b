"""The load balancer: servers that queue tasks, workers that pull them, a client that puts them.

A server does no I/O: it maps (message, source, time) to a list of sends. The wire pumps real MPI
messages through the roles of a rank; the simulator pumps the same roles in virtual time.
"""
