"""What operators and sensors share: their connection, their waits, and how they end on a worker."""
