from __future__ import annotations

from airflow.ti_deps.deps import not_previously_skipped_dep

from airflow_sm_pipelines.compatibility.triggerer import skipping_xcom


def test_the_skipping_xcom_is_the_one_that_the_scheduler_reads():
    """Its names are those of NotPreviouslySkippedDep, which a Dag file does not load."""
    key, skipped = not_previously_skipped_dep.XCOM_SKIPMIXIN_KEY, not_previously_skipped_dep.XCOM_SKIPMIXIN_SKIPPED
    assert skipping_xcom(["a", "b"]) == {key: {skipped: ["a", "b"]}}
