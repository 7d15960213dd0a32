"""Program to files: the model's C, the kernels in use, the front end, and the binding for the firmware."""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2

from seatool import resources
from seatool.plan.program import Program
from seatool.render.headers import kernel_headers
from seatool.render.layers import layer_context
from seatool.render.model import binding_context, header_context, source_context
from seatool.render.names import Names
from seatool.render.weights import array_context


def render(program: Program) -> dict[str, bytes]:
    """The files of ``program`` by path in the project: ``model/``, ``app/binding.c`` and, with a front end, ``audio/``.

    The same program always gives the same bytes.
    """
    names = Names(program)
    model = names.model
    source = {**source_context(program, names), "layers": layer_context(program, names)}
    arrays = {"model": model, "macro": model.upper(), "arrays": array_context(names)}
    texts = {
        f"model/{model}.h": _fill("model.h.j2", header_context(program, names)),
        f"model/{model}.c": _fill("model.c.j2", source),
        f"model/{model}_weights.h": _fill("weights.h.j2", arrays),
        f"model/{model}_weights.c": _fill("weights.c.j2", arrays),
        "app/binding.c": _fill("binding.c.j2", binding_context(program, names)),
    }
    files = {path: text.encode() for path, text in texts.items()}
    files |= {f"model/nn/{name}": data for name, data in kernel_headers(source["headers"]).items()}
    return files | _front_end(program, model)


def _front_end(program: Program, model: str) -> dict[str, bytes]:
    if program.graph.frontend is None:
        return {}
    from seatool import audio  # models without a front end do not pay for the import

    quant = program.graph.tensors[program.graph.inputs[0]].quant
    assert quant is not None
    return audio.emit(program.graph.frontend, quant, model)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates() / "aot"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _fill(template: str, context: dict[str, Any]) -> str:
    return _environment().get_template(template).render(context)
