"""Executes one notebook in a kernel of this very interpreter, which never outlives the call."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

__all__ = ["CellFailed", "execute"]

#: Seconds for a cell whose notebook states none, and for a kernel to start.
CELL_LIMIT_S = 300
START_LIMIT_S = 60


class CellFailed(Exception):  # noqa: N818 - an outcome, which the run turns into its error
    """A cell stopped its notebook. `source` is its code, `reason` what happened."""

    def __init__(self, number: int, source: str, reason: str) -> None:
        super().__init__(number, source, reason)
        self.number = number
        self.source = source
        self.reason = reason


async def execute(
    notebook: Any, folder: Path, environment: Mapping[str, str], scratch: Path, on_cell: Callable[[], None]
) -> None:
    """Execute all cells; outputs go into `notebook` itself, as far as it came.

    Args:
        notebook: as `nbformat.read` gives it.
        folder: the kernel's working folder.
        environment: all variables of the kernel.
        scratch: a private folder for the kernel's connection file and settings.
        on_cell: called after each code cell.

    Raises:
        CellFailed: a cell raised, took too long, or its kernel died.
    """
    limit = notebook.metadata.get("execution", {}).get("timeout", CELL_LIMIT_S)
    client = NotebookClient(notebook, timeout=limit, startup_timeout=START_LIMIT_S)
    async with _kernel(client, folder, environment, scratch):
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                await _execute_cell(client, index, cell)
                on_cell()
        client.set_widgets_metadata()


async def _execute_cell(client: NotebookClient, index: int, cell: Any) -> None:
    try:
        await client.async_execute_cell(cell, index, execution_count=client.code_cells_executed + 1)
    except CellExecutionError as error:
        raise CellFailed(index + 1, cell.source, f"{error.ename}: {error.evalue}") from None
    except CellTimeoutError:
        raise CellFailed(index + 1, cell.source, f"it took longer than {client.timeout} s") from None
    except DeadKernelError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # nbclient takes our cancellation for a dead kernel
            raise asyncio.CancelledError from None
        raise CellFailed(index + 1, cell.source, "its kernel died") from None


@contextlib.asynccontextmanager
async def _kernel(
    client: NotebookClient, folder: Path, environment: Mapping[str, str], scratch: Path
) -> AsyncIterator[None]:
    """Start the kernel for a client. Kernels that the person has installed are not looked at: they may be of another
    Python."""
    manager = AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        connection_file=str(scratch / "kernel.json"),
        transport="ipc",  # sockets in the private folder: nobody else can speak to the kernel
        ip=str(scratch / "kernel"),
    )
    client.km = manager
    environment = {**environment, "IPYTHONDIR": str(scratch / "ipython")}
    try:
        with (scratch / "kernel.log").open("ab") as log:
            await manager.start_kernel(cwd=str(folder), env=environment, stdout=log, stderr=log)
        await client.async_start_new_kernel_client()
        yield
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        await asyncio.shield(manager.shutdown_kernel(now=True))
