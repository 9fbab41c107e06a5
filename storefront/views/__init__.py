"""One module a page of the shop; each holds the handlers that `application.py` routes to."""
