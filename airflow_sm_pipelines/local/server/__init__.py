"""The HTTP side: which requests are ours, are they right, and what goes back."""
