"""The HTTP server: uvicorn in front of Django's WSGI application.

server        the processes of the web service, and their supervisor
bridge        WSGI behind an event loop; `request_body`, `connections`: deadlines and limits
alive         asks whether a web service answers; `wsgi`: Django's application
"""
