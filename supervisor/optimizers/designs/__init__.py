"""Points that do not depend on results."""
