"""Studies over HTTP: ask, tell and report for objectives in any language.

``luthier serve`` runs the service; ``Client`` speaks to it from Python. What a request may hold is
said once, in ``routes.py``: checks, the OpenAPI document and its tests all read it there. A trial
that was asked for belongs to its client under a lease, and all that must survive a restart of the
service is in the storage.
"""

from luthier.service.client import Client

__all__ = ["Client"]
