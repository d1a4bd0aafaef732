"""The WSGI application that the HTTP server runs."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infra.settings")

application = get_wsgi_application()

# Histories in memory are many small objects and no cycles: looking through them at every seven
# hundredth new one, as Python does by default, took 8 % of the time of recording.
gc.freeze()
gc.set_threshold(50_000, 20, 50)
