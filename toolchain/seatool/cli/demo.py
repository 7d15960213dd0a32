"""``seatool demo``: the whole way on the student that seatool ships."""

from __future__ import annotations

from pathlib import Path

import click

from seatool.cli.parameters import FORCE
from seatool.cli.session import Session, session_options


@click.command("demo")
@click.option("-b", "--board", default="m7", show_default=True, help="Board name or a board file.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("build/demo"), show_default=True)
@FORCE
@session_options
def command(session: Session, board: str, out: Path, force: bool) -> None:
    """Take the shipped student all the way.

    Compile it, build it, run it on the shipped recording, verify and profile it.
    """
    from seatool.pipeline import CompileOptions, compile_model
    from seatool.pipeline.compile import alternatives
    from seatool.pipeline.profile import profile_project
    from seatool.pipeline.recordings import shipped_recording, shipped_student
    from seatool.pipeline.run import run_recording
    from seatool.pipeline.verify import verify_project
    from seatool.report import html, terminal

    options = CompileOptions(board, name="student2")
    compiled = compile_model(shipped_student(), out, options, session.stage, force=force)
    recording = shipped_recording()
    embeddings = run_recording(compiled.project, recording, hop_size=0.5, stage=session.stage)
    verified = verify_project(compiled.project, count=2, stage=session.stage)
    profile = profile_project(verified.project, session.stage)
    report = html.write(profile.project)
    assert compiled.program is not None, "the demo compiles"
    others: dict[str, dict[str, int]] = {
        name: {
            "ram_bytes": sum(program.blocks.values()),
            "flash_bytes": program.flash_bytes,
            "estimated_instructions": program.instructions,
        }
        for name, program in alternatives(compiled.program, options).items()
    }
    value = {
        "project": str(out),
        "report": str(report),
        "recording": recording.name,
        "embedding": embeddings.embedding.tolist(),
        "timestamps": embeddings.timestamps.tolist(),
        "alternatives": others,
        **profile.project.manifest,
    }
    session.result(value, lambda: terminal.show_demo(embeddings, verified, profile, others, report))
