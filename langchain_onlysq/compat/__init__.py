"""Addresses that pickles made by 0.1.0 name; each module says where its class is now.

The package's own `__path__` ends with this folder, so that `langchain_onlysq.connections` is found
here. Nothing of the package imports it.
"""
