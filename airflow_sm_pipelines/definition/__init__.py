"""The pipeline definition document, version 2020-12-01: pure, standard library only."""
