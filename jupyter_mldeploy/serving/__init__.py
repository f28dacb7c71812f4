"""The island: what runs inside a deployment, copied into every bundle.

Only relative imports, the standard library and httptools (PyJWT where tokens
are used): the environment of a service never needs this package.
"""
