"""What stands in for AWS's container images: files that the job's interpreter runs, by path.

They import nothing of this package, which that interpreter may not have.
"""
