"""Rule: a score counts the bytes of pieces although the tokens stand for other text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_bytes import CANONICAL, EVALUATE, changed, script
from audits.facts.byte_table import TableSource
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._byte_defect import PATTERN

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.byte_table import TableUse

_READ = """\
            if sidecar is None:
                size = base[target].to(torch.int16)
                size += (lead[target] & ~boundary[prev]).to(torch.int16)
            else:
                size = sidecar[start + 1 : start + 1 + target.numel()]
"""
_PLAIN = """\
            size = base[target].to(torch.int16)
            size += (lead[target] & ~boundary[prev]).to(torch.int16)
"""
WITH_SIDECAR = changed("boundary):", "boundary, sidecar=None):", changed(_PLAIN, _READ, EVALUATE))
_MAIN = """\
def main():
    sp = spm.SentencePieceProcessor(model_file="tokenizer.model")
    tokens = torch.from_numpy(np.fromfile("fineweb_val_000000.bin", dtype="<u2").astype(np.int64))
    files = "fineweb_val_bytes_000000.bin"
    sidecar = torch.from_numpy(np.fromfile(files, dtype="<u2").astype(np.int64))
    base, lead, boundary = build_luts(sp, 1024, "cpu")
    model = torch.jit.load("model.pt")
    print(f"final val_bpb:{CALL:.6f}")


main()
"""
_USED = _MAIN.replace("CALL", "evaluate(model, tokens, base, lead, boundary, sidecar)")
_SECOND = _MAIN.replace("CALL", "mixed(model, tokens, base, lead, boundary)")


class SidecarBypassed(Rule):
    """A sidecar holds the bytes of the original text, and a reported score counts the bytes of pieces instead.

    Why: a lossless case transform inserts symbols that are no text. Their bytes in the denominator lower the score.
    Looks for: a per-token byte sidecar that the run reads, and an evaluation that looks bytes up by token id with
    no branch that would take the sidecar.
    Blind to: sidecars under file names that do not say `bytes`.
    """

    id = "sidecar-bypassed"
    axis = Axis.METRIC
    condition = Condition.BPB
    pattern = PATTERN
    sources = (
        RuleSource(
            "PR #1729", "listed record", "2026-04-28", "a byte sidecar over original bytes was accepted"
        ),
        RuleSource(
            "PR #1797", "cocohearts", "2026-04-26", "the older byte inflation of the transform appears fixed"
        ),
    )
    flagged = (
        Example(
            "a second evaluation counts pieces",
            script(CANONICAL, WITH_SIDECAR + "\n\n" + EVALUATE.replace("def evaluate", "def mixed"), _SECOND),
            taught_by="#1854",
        ),
    )
    clean = (
        Example(
            "the sidecar is taken where there is one",
            script(CANONICAL, WITH_SIDECAR, _USED),
            taught_by="#1898",
        ),
        Example("no sidecar at all", script(), taught_by="#549"),
    )

    def check(self, facts: Facts) -> Outcome:
        """Flag live lookups that no condition can replace by the sidecar."""
        seen = facts.byte_table
        read = [sidecar for sidecar in seen.sidecars if sidecar.reached is not False]
        if not read:
            return self.outcome(Status.NOT_APPLICABLE, "no byte sidecar is read")
        wrong = [use for use in seen.uses if use.live and not use.alternative and _computed(use)]
        if not wrong:
            shown = (Evidence(read[0].location, "bytes of the original text", Status.CLEAN, Severity.NOTE),)
            return self.outcome(Status.CLEAN, "every evaluation in use can take the sidecar", shown)
        names = ", ".join(dict.fromkeys(use.function for use in wrong))
        found = [Evidence(use.location, "bytes of pieces are counted here") for use in wrong]
        found.append(Evidence(read[0].location, "the bytes of the original text are here"))
        reason = f"{names} counts the bytes of pieces although a sidecar holds those of the original text"
        return self.outcome(Status.FLAGGED, reason, tuple(found), confidence=0.75)


def _computed(use: TableUse) -> bool:
    return any(table.source is TableSource.COMPUTED for table in use.tables)
