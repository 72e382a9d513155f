"""Reads a column that is not there, as a script with a mistake would."""

from __future__ import annotations

print("reading 569 rows")
row = {"mean_radius": 17.99}
print(row["mean_radios"])
