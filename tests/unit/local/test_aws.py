"""Clients of the endpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_sm_pipelines.local.aws import Clients


@pytest.mark.parametrize("profile", ["mine", "not-there"])
def test_the_users_profile_has_no_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str) -> None:
    """AWS_PROFILE and the configuration file are about an account: they change nothing, also where they are wrong."""
    config = tmp_path / "config"
    config.write_text("[profile mine]\nregion = eu-west-1\ns3 =\n    addressing_style = virtual\nca_bundle = /none\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", profile)

    client = Clients("http://127.0.0.1:9", "us-east-2")["s3"]
    assert (client.meta.region_name, client.meta.config.s3) == ("us-east-2", None)
    assert client.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"}).startswith(
        "http://127.0.0.1:9/b/k?"
    )
