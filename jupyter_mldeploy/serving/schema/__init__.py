"""Input and output schemas of ``run()`` under the v1 names (spec section 7.2).

An implementation of our own: decorating again, as a notebook cell does when it
is run again, replaces the sample instead of raising.
"""
