"""The commands of `quartier`, one file of a noun each; `infra/cli.py` lists and loads them."""
