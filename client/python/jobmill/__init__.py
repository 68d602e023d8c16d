# SPDX-License-Identifier: MIT
"""Python's side of jobmill: warm worker processes for CPU-bound jobs on one Linux machine."""
