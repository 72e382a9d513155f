"""What a build inside a container is told of this machine's pip."""

from __future__ import annotations

from containers.machine import PipConfiguration, pip_configuration


def test_settings_keep_their_sections_and_the_environment_wins():
    """The order is pip's: an environment variable overrides a file. Where pip found its file is nobody's business."""
    listing = "\n".join(
        [
            ":env:.config-file='/srv/pip.conf'",
            ":env:.timeout='180'",
            "global.timeout='60'",
            "install.no-binary=':none:'",
        ]
    )
    assert pip_configuration(listing) == PipConfiguration("[global]\ntimeout = 180\n[install]\nno-binary = :none:\n")


def test_what_exists_here_gets_a_place_in_the_container(tmp_path):
    """Files, directories and file URLs, each with what is beside it; every other word stays as it is."""
    index, wheels, certificates = tmp_path / "pypi" / "simple", tmp_path / "pypi" / "wheels", tmp_path / "ca.pem"
    index.mkdir(parents=True)
    wheels.mkdir()
    certificates.touch()
    listing = "\n".join(
        [
            f"global.cert='{certificates}'",
            f"global.extra-index-url='https://example.org/simple\\nfile://{index}'",
            f"global.find-links='{wheels} {tmp_path / 'not-there'}'",
        ]
    )
    assert pip_configuration(listing) == PipConfiguration(
        "[global]\n"
        "cert = /root/machine/0/ca.pem\n"
        "extra-index-url = https://example.org/simple file:///root/machine/1/simple\n"
        f"find-links = /root/machine/1/wheels {tmp_path / 'not-there'}\n",
        {tmp_path: "/root/machine/0", tmp_path / "pypi": "/root/machine/1"},
    )


def test_a_machine_without_settings_has_an_empty_configuration():
    """An empty file is fine with pip."""
    assert pip_configuration("") == PipConfiguration("")
