"""Lambda functions: found among those that were registered and those that moto keeps, and run as processes."""
