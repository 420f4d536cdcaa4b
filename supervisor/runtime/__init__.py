"""Splits ranks into roles and wires the parts together; the only part that knows them all."""
