"""How it is measured: a function for each case, in modules that a measuring process loads late.

A function gets the name of a subject and the server's address, and returns its figures by name.
"""
