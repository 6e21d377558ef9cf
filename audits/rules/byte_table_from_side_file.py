"""Rule: the bytes of a token are read from a file that nobody can check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_bytes import CANONICAL, script
from audits.facts.byte_table import TableSource
from audits.outcome import Axis, Condition, Evidence, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._byte_defect import PATTERN, not_judged

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.byte_table import ByteTable, TableUse
    from audits.outcome import Outcome

SUFFIXES = (".npz", ".npy")

READS_FILE = """\
def build_luts(sp, vocab_size, device):
    with np.load("tokenizer.meta.npz", allow_pickle=False) as data:
        base = np.asarray(data["base"], dtype=np.int16)
        lead = np.asarray(data["lead"], dtype=np.bool_)
        boundary = np.asarray(data["boundary"], dtype=np.bool_)
    return torch.tensor(base), torch.tensor(lead), torch.tensor(boundary)
"""

CHOOSES = (
    CANONICAL.replace("def build_luts", "def from_pieces")
    + """

def build_luts(sp, vocab_size, device):
    path = os.environ.get("TOKENIZER_META_PATH", "")
    if path and os.path.exists(path):
        data = np.load(path)
        return torch.tensor(data["base"]), torch.tensor(data["lead"]), torch.tensor(data["boundary"])
    return from_pieces(sp, vocab_size, device)
"""
)


class ByteTableFromSideFile(Rule):
    """The byte table is read from a file instead of being computed from the tokenizer's pieces.

    Why: whoever writes the file writes the denominator. The runs of #1184 and #1242 imply 182.8 and 160.9 million
    bytes for a text of 151.1 million.
    Looks for: a table read with `numpy.load` that reaches a lookup by token id together with flags for spaces and
    boundaries. Where the script also computes a table, the file counts when the run's settings name one or the
    folder holds one.
    Blind to: tables in other formats; what the numbers in the file are (the implied-bytes check sees that).
    """

    id = "byte-table-from-side-file"
    axis = Axis.METRIC
    condition = Condition.BPB
    pattern = PATTERN
    sources = (
        RuleSource("PR #1806", "openai", "2026-04-26", "removed the merged #1184 for its byte accounting"),
        RuleSource("README", "openai", "2026-03-18", "changes of the tokenizer must be proven correct"),
    )
    flagged = (
        Example("table from an .npz", script(READS_FILE), taught_by="#1184"),
        Example(
            "the run command names the file",
            "import os\n" + script(CHOOSES),
            (("README.md", "```bash\nTOKENIZER_META_PATH=./scylla.meta.npz python train_gpt.py\n```\n"),),
            "#1242",
        ),
    )
    clean = (
        Example("the canonical table", script(), taught_by="#549"),
        Example("a file may be named and is not", "import os\n" + script(CHOOSES), taught_by="#1534"),
    )

    def check(self, facts: Facts) -> Outcome:
        """Flag a file's table that is in use; one beside a computed table needs a file to be named."""
        seen = facts.byte_table
        uses = [use for use in seen.uses if use.live and _side(use)]
        if not uses:
            if any(use.live for use in seen.uses):
                return self.outcome(Status.CLEAN, "the table in use is computed from the tokenizer's pieces")
            status, reason = not_judged(facts)
            return self.outcome(status, reason)
        chosen = any(table.source is TableSource.COMPUTED for use in uses for table in use.tables)
        named = named_file(facts) if chosen else "the only table"
        if named is None:
            reason = "a table may be read from a file, yet no setting and no file of the folder names one"
            return self.outcome(Status.DORMANT, reason, _shown(uses))
        reason = f"the bytes of a token come from a file ({named}), not from the tokenizer's pieces"
        return self.outcome(Status.FLAGGED, reason, _shown(uses), confidence=0.8)


def _side(use: TableUse) -> list[ByteTable]:
    return [table for table in use.tables if table.source is TableSource.SIDE_FILE]


def named_file(facts: Facts) -> str | None:
    """Return the file that the claimed run names for its table, as far as settings and folder tell."""
    for _, setting in facts.code.settings.by_name:
        if isinstance(setting.value, str) and setting.value.lower().endswith(SUFFIXES):
            return setting.value
    return next((file.path for file in facts.submission.files if file.suffix in SUFFIXES), None)


def _shown(uses: list[TableUse]) -> tuple[Evidence, ...]:
    found: list[Evidence] = []
    for use in uses:
        for table in _side(use)[:1]:
            entry = Evidence(
                table.location, "the table is read from a file here", severity=Severity.VIOLATION
            )
            if entry not in found:
                found.append(entry)
        found.append(Evidence(use.location, f"{use.function} looks bytes up in it"))
    return tuple(found)
