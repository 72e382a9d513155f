"""Programs that run inside jobs, in place of what AWS has in its images. The package itself imports none of them.

Each is one file for the interpreter of its image: Python 3.8 or later, nothing of this package.
"""
