"""Print which of the losses on the command line is the least."""

import sys

losses = [float(word) for word in sys.argv[1:]]
print(losses.index(min(losses)))
