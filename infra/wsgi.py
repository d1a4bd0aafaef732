"""The WSGI application that the HTTP server runs."""

import os

from django.core.wsgi import get_wsgi_application

from infra.memory import look_seldom_for_cycles

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infra.settings")

application = get_wsgi_application()

look_seldom_for_cycles()
