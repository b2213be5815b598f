"""All that one file says."""

from __future__ import annotations

from helpers.review.code.scripts.channels import channels
from helpers.review.code.scripts.clients import auth_uses, clients
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.polls import polls
from helpers.review.code.scripts.stores import prisma_call, table_call
from helpers.review.code.scripts.surroundings import errors, ignores, imports, renderings, runs_on_server
from helpers.review.inventory import FileFacts

__all__ = ["facts_of"]


def facts_of(module: Module) -> FileFacts:
    """The facts of a file by itself: what other files would fill in is still open."""
    server, calls = runs_on_server(module), module.nodes("call")
    return FileFacts(
        module.path,
        module.language,
        channels(module),
        tuple(clients(module, server)),
        tuple(polls(module)),
        tuple(auth_uses(module)),
        tuple(made for call in calls if (made := prisma_call(module, call)) is not None),
        tuple(found for call in calls if (found := table_call(module, call)) is not None),
        tuple(renderings(module)),
        tuple(imports(module)),
        tuple(ignores(module)),
        server,
        tuple(errors(module)),
    )
