"""What this package costs, beside what its alternatives cost, in one run. See docs/about/benchmarks.md."""
