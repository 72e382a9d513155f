"""Step runners: what each type of step does when its turn comes."""
