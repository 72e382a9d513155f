"""Script mode, as AWS's framework containers do it with the ``sagemaker-training`` toolkit.

The job's interpreter runs this file. A framework container (scikit-learn, PyTorch, ...) is the toolkit plus a
small module that the toolkit calls to run the user's script; this is that module, and it asks for the script's
standard error so that the failure file says why a script failed.
"""

from __future__ import annotations

import sys
from pathlib import Path

FAILURE_FILE = Path("/opt/ml/output/failure")


def main() -> None:
    """Run the user's script. The toolkit finds this function through SAGEMAKER_TRAINING_MODULE."""
    from sagemaker_training import entry_point, environment

    env = environment.Environment()
    entry_point.run(
        uri=env.module_dir,
        user_entry_point=env.user_entry_point,
        args=env.to_cmd_args(),
        env_vars=env.to_env_vars(),
        capture_error=True,
    )


def train() -> None:
    """Hand over to the toolkit, or say how to install it."""
    try:
        from sagemaker_training.cli import train as toolkit
    except ImportError as error:
        message = (
            f"ImportError: the interpreter {sys.executable} cannot run training scripts: {error}."
            f" Install the toolkit into it: {sys.executable} -m pip install sagemaker-training"
        )
        FAILURE_FILE.write_text(message, encoding="utf-8")
        sys.exit(message)
    toolkit.main()


if __name__ == "__main__":
    train()
