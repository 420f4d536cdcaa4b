"""A workflow file that is right, for tests to make a mistake in."""

GOOD = """\
name: good
objective:
  python: model:run
  minimize: y
space:
  x: {float: [0, 1]}
optimizer:
  kind: random
  evaluations: 3
"""
