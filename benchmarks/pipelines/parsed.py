"""The pipeline of ten steps, made, compiled and checked: what parsing its Dag file takes besides its imports."""

from __future__ import annotations

from benchmarks.pipelines.ours import task_group

task_group(10)
