"""The MPIs that runs under real launchers need; a test is skipped where one is not set up."""

import pytest

from tests.launching import environment


@pytest.fixture(params=["mpich", "openmpi"])
def mpi(request):
    return environment(request.param)


@pytest.fixture
def mpich():
    return environment("mpich")
