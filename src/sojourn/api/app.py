"""Makes the web application from the parts of an installation: its endpoints, and how errors look."""

from __future__ import annotations

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from sojourn import __version__
from sojourn.api import health, problems, resources
from sojourn.api.callbacks import calls as callbacks
from sojourn.api.mail import taking
from sojourn.api.parts import Parts
from sojourn.api.resource import Resource
from sojourn.api.tracking import calls, pixel, push
from sojourn.api.visitors import consent, links
from sojourn.registry import declared


def create(parts: Parts) -> Litestar:
    """The application of one installation; its description (OpenAPI 3.1) is at /schema/openapi.json."""
    return Litestar(
        route_handlers=[
            *(calls.router, pixel.router, push.router),
            *(links.router, consent.router),
            *(taking.router, callbacks.router, health.router),
            *(resource.router() for resource in declared(resources, Resource).values()),
        ],
        state=State({"parts": parts}),
        on_startup=[parts.visits.start],
        on_shutdown=[parts.visits.stop],
        dependencies={"parts": Provide(lambda: parts, sync_to_thread=False, use_cache=True)},
        exception_handlers={Exception: problems.respond},
        openapi_config=OpenAPIConfig(
            title="Sojourn",
            version=__version__,
            use_handler_docstrings=True,
            render_plugins=[JsonRenderPlugin()],
            components=Components(security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}),
        ),
        logging_config=None,
        debug=False,
    )
