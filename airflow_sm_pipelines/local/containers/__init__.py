"""Programs that run inside jobs, in place of what AWS has in its images. The package itself imports none of them."""
