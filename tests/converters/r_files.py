"""R files to convert."""


def set_of(*parameters, before=""):
    """Return an R file with a set of these parameters, which begin in line 2."""
    return f"{before}param.set <- makeParamSet(\n  " + ",\n  ".join(parameters) + "\n)\n"
