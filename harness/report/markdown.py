"""Render reviews as a pull request comment: verdict first, then evidence, claims, and what can be done.

Promises at most `LIMIT` characters, cut at whole blocks, the least needed first, and saying so; submission
text stays text (no mention, link, HTML, broken table or fence). Links lead to the judged commit alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.escape import code_block, markdown
from harness.report.markdown_block import Block, Rank, details
from harness.report.markdown_sections import folder_blocks, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.report.review import Review
    from harness.report.view_model import FolderModel, ReviewFile

LIMIT = 65_536
_CUT = "*Shortened: a comment holds no more. The JSON report has everything.*"
_SEPARATOR = "\n\n"
MARKER = "<!-- referee:review -->"
"""First line of a comment that is kept up to date."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a comment is written."""

    repository: str | None = None
    """`owner/name` on GitHub that lines are linked to; without it nothing is linked."""
    excerpts: bool = True
    """Whether the lines are quoted."""
    appeal: bool = False
    """Whether to say how a verdict is corrected."""
    machine: bool = False
    """Whether to end with the block that programs read."""
    marker: bool = False


def render_markdown(reviews: Sequence[Review], limit: int = LIMIT, options: Options = Options()) -> str:
    """Return all reviews as one comment of at most `limit` characters."""
    from harness.report.view import folder_of

    return _join(
        [b for review in reviews for b in _folder(folder_of(review), review.rulebook, options)], limit
    )


def render_file(file: ReviewFile, options: Options, limit: int = LIMIT) -> str:
    """Return the review of one pull request as a comment of at most `limit` characters."""
    blocks: list[Block] = [Block(Rank.ESSENTIAL, MARKER)] if options.marker else []
    for folder in file.folders:
        blocks += _folder(folder, file.rulebook, options)
    if not file.folders:
        blocks.append(Block(Rank.ESSENTIAL, "## ➖ Referee: nothing to review"))
    if file.notes:
        lines = "\n".join(f"- {markdown(note, 500)}" for note in file.notes)
        blocks.append(Block(Rank.EXTRA, details("About the pull request", lines)))
    if options.machine:
        blocks.append(Block(Rank.MACHINE, _machine(file)))
    return _join(blocks, limit)


def _folder(folder: FolderModel, rulebook: str, options: Options) -> Iterator[Block]:
    """Yield the blocks of one folder in reading order. A block is never cut in two."""
    yield from folder_blocks(folder, options)
    policy = f"Policy {folder.policy} of {folder.policy_edition}"
    others = ", ".join(f"{name}: {words(call)}" for name, call in folder.policies.items())
    said = f"{policy} ({others}). Rulebook {markdown(rulebook, 80)}. A reading, not a ruling."
    yield Block(Rank.ESSENTIAL, f"<sub>{said}</sub>")


def _machine(file: ReviewFile) -> str:
    """Return what programs read, without any text of the submission but its names."""
    document = {
        "schema": "referee-comment/1",
        "referee": file.referee,
        "rulebook": file.rulebook,
        "policy": file.policy,
        "policy_edition": file.policy_edition,
        "pr": file.pr,
        "head_sha": file.head_sha,
        "folders": [_machine_folder(folder) for folder in file.folders],
    }
    return details("For programs", code_block(json.dumps(document, indent=1), "json"))


def _machine_folder(folder: FolderModel) -> dict[str, object]:
    """Return one folder as programs read it."""
    return {
        "path": folder.judged.path,
        "main_script": folder.judged.main_script,
        "digest": folder.judged.digest,
        "verdict": folder.verdict.value,
        "axes": {entry.axis.value: entry.call.value for entry in folder.axes},
        "deciding": folder.deciding,
        "policies": {name: call.value for name, call in folder.policies.items()},
        "stages": {stage.name: stage.skipped or stage.line for stage in folder.stages},
        "rulings": [f"{entry.rule} {entry.decision}" for entry in folder.rulings if entry.applied],
    }


def _join(blocks: Sequence[Block], limit: int) -> str:
    """Join blocks with blank lines; leave out what does not fit, the least needed and the last first."""
    if _length(whole := _SEPARATOR.join(block.text for block in blocks) + "\n") <= limit:
        return whole
    room = limit - _length(_SEPARATOR + _CUT + "\n")
    used = sum(_length(block.text) + len(_SEPARATOR) for block in blocks)
    dropped: set[int] = set()
    for index in sorted(range(len(blocks)), key=lambda index: (-blocks[index].rank, -index)):
        if used <= room:
            break
        used -= _length(blocks[index].text) + len(_SEPARATOR)
        dropped.add(index)
    kept = [block.text for index, block in enumerate(blocks) if index not in dropped]
    return _SEPARATOR.join([*kept, _CUT]) + "\n"


def _length(text: str) -> int:
    """Return the length as UTF-16 counts it, which is never less than any other count of characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


__all__ = ["LIMIT", "MARKER", "Options", "render_file", "render_markdown"]
