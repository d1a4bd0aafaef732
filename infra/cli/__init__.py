"""The command line: `quartier`, a file a noun.

program     lists the commands; `deferred` loads each when it is asked for
terminal    how commands speak; `faults`: what an error means to a person
"""
