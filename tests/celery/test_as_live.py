"""Live tests that must hold on this Airflow as well: the same tests, which get this directory's ``live``."""

from tests.live.test_examples import *
from tests.live.test_resuming import *
