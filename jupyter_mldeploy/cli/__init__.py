"""The command line: ``mldeploy`` and ``jupyter mldeploy``.

It adds no behaviour of its own: it reads flags, calls the SDK, and shows what comes back.
"""
