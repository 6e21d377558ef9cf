"""Rule: the artifact is read back, and other weights are scored."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.example_evaluation import EVALUATE, script
from audits.example_folder import claims, folder, log
from audits.outcome import Axis, Condition, Evidence, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._flow import EVIDENCE_CAP, at, not_followed
from audits.rules._script_text import Function, arguments, executed, functions
from audits.rules._switches import switched_off

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts import Facts
    from audits.facts.code.behaviour import Mark
    from audits.facts.layer import Layer
    from audits.location import Location
    from audits.outcome import Outcome

_LOAD = re.compile(r"(?<![\w.])(\w+)\.load_state_dict\(")
_READ_BACK = re.compile(r"decompress|torch\.load\(|dequant|\.read\(|safetensors")
_DELETED = re.compile(r"^[ \t]+del ([\w, \t]+)$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNED = re.compile(r"\s*(\w+)\s*(?::[^=\n]{1,60})?=(?!=)\s*(.*)")
_WIDTH = 600
_DEPTH = 3
_WRAPPER_LINES = 12
_REVIVED = """\
state = {name: (tensor * 64).round().to(torch.int8) for name, tensor in model.state_dict().items()}
    torch.save(state, "final_model.int8.pt")
    revived = GPT(args)
    saved = torch.load("final_model.int8.pt")
    revived.load_state_dict({name: tensor.float() / 64 for name, tensor in saved.items()})
    print(f"round trip val_bpb:{evaluate(args, revived, val_tokens, base_bytes):.6f}")"""

_RESTORED = """\
averaged = {{name: tensor.clone() for name, tensor in model.state_dict().items()}}
    export(model)
    restore(model)
    print(f"{label} val_bpb:{{evaluate(args, model, val_tokens, base_bytes):.6f}}")
    model.load_state_dict(averaged)
    print(f"{other} val_bpb:{{evaluate(args, model, val_tokens, base_bytes):.6f}}")"""
_CLAIMED = folder({"train_seed42.log": log(val_bpb=1.1088)}, claims(1.1088))
_LABEL = "final_int8_zlib_roundtrip_exact"


class WeightsNotInArtifact(Rule):
    """The artifact is read back into a model, and the weights it was made of are scored instead.

    Why: the score must be that of the bytes that are counted. Weights that were never quantised are another model,
    and usually a better one.
    Looks for: a model that is loaded from what was read back and then deleted, and a later evaluation of a model whose
    weights had been exported and were not loaded since; and a model with what was read back in it whose weights are
    replaced by others of the run before the claimed score is taken.
    Blind to: scripts that never read the artifact back, and models that are swapped inside an object. Where the logs
    do not tell which score is claimed, weights that are replaced are taken for a comparison.
    Ruling: none; the artifact is what is evaluated (README).
    """

    id = "weights-not-in-artifact"
    axis = Axis.LEGALITY
    condition = Condition.DATA
    pattern = "weights-not-in-artifact"
    sources = (
        RuleSource(
            "README", "openai", "2026-03-18", "what counts is the artifact: code and compressed weights"
        ),
    )
    flagged = (
        Example(
            "the revived model is deleted before the last evaluation",
            script(EVALUATE, steps=(_REVIVED, "del revived")),
            (),
            "#1458",
        ),
        Example(
            "the averaged weights are loaded again before the claimed score is taken",
            script(EVALUATE, steps=(_RESTORED.format(label="quantised", other=_LABEL),)),
            _CLAIMED,
            "#1270",
        ),
    )
    clean = (
        Example(
            "the weights that were read back are put into the model that is scored",
            script(EVALUATE, steps=(_REVIVED, "model.load_state_dict(revived.state_dict())", "del revived")),
        ),
        Example(
            "the name is bound to the revived weights again",
            script(EVALUATE, steps=(_REVIVED, "del model, revived", "model = GPT(args)", "restore(model)")),
            (),
            "#562",
        ),
        Example("the model itself is restored", script(EVALUATE), (), "#74"),
        Example(
            "the averaged weights are scored for comparison",
            script(EVALUATE, steps=(_RESTORED.format(label=_LABEL, other="float"),)),
            _CLAIMED,
        ),
        Example(
            "nobody tells which of the two is claimed",
            script(EVALUATE, steps=(_RESTORED.format(label="quantised", other="float"),)),
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Find claimed scores of weights that are not those that were read back."""
        replaced = [
            _replaced(mark)
            for mark in facts.code.behaviour.marks
            if mark.kind == "artifact-replaced" and mark.headline and not mark.assumed
        ]
        if replaced:
            return self.outcome(
                Status.FLAGGED, replaced[0].message, tuple(replaced[:EVIDENCE_CAP]), confidence=0.85
            )
        scored = (*facts.code.behaviour.scores, *facts.code.behaviour.reports)
        found = [entry for layer in executed(facts.code) for entry in _swapped(layer, scored)]
        live = [entry for entry in found if entry.location and not switched_off(facts.code, entry.location)]
        if live:
            return self.outcome(Status.FLAGGED, live[0].message, tuple(live[:EVIDENCE_CAP]), confidence=0.75)
        if not_followed(facts):
            return self.outcome(Status.NOT_APPLICABLE, "the code was not followed to a score")
        return self.outcome(Status.CLEAN, "no reloaded model gives way to another before it is scored")


def _replaced(mark: Mark) -> Evidence:
    says = (
        "weights of the run are put here where those that were read back from the artifact had been, and the claimed "
        f"val_bpb of {at(mark.report, mark.location)} is scored with them"
    )
    return Evidence(mark.location, says, Status.FLAGGED, Severity.VIOLATION, 0.85)


def _swapped(layer: Layer, scored: tuple[Location, ...]) -> Iterator[Evidence]:
    source = layer.source
    if "del " not in source or ".load_state_dict(" not in source:
        return
    every = functions(layer)
    evaluators = {
        item.name
        for item in every
        for place in scored
        if (place.path, place.layer) == (item.layer.path, item.layer.index)
        and item.start <= place.start_line <= item.end
    }
    deleted = [
        source.count("\n", 0, match.start()) + 1
        for match in _DELETED.finditer(source)
        if any(f"{name.strip()}.load_state_dict(" in source for name in match.group(1).split(","))
    ]
    if not deleted:
        return
    for function in every:
        if any(function.start < line <= function.end for line in deleted):
            called = _callers(every, evaluators, function.name)
            loaders = {
                item.name for item in every if item.name != function.name and ".load_state_dict(" in item.text
            }
            yield from _swaps(function, function.text.split("\n"), called - {function.name}, loaders)


def _callers(every: tuple[Function, ...], evaluators: set[str], apart: str) -> set[str]:
    """Return the evaluators with the functions that do nothing but call one, `apart` aside."""
    found = set(evaluators)
    for item in every:
        if item.name != apart and item.end - item.start < _WRAPPER_LINES:
            text = item.text
            if any(f"{name}(" in text for name in evaluators if name != item.name):
                found.add(item.name)
    return found


def _swaps(
    function: Function, lines: list[str], evaluators: set[str], loaders: set[str]
) -> Iterator[Evidence]:
    """Yield the evaluations of one function that come after the reloaded model is deleted."""
    gone_names = {
        name.strip()
        for line in lines
        if (match := _DELETED.match(line))
        for name in match.group(1).split(",")
    }
    loads = [(name, number) for name, number in _loads(lines) if name in gone_names]
    revived = {name: number for name, number in loads if _read_back(lines, number)}
    for name, loaded in revived.items():
        gone = next((at for at in range(loaded + 1, len(lines)) if _deletes(lines[at], name)), None)
        if gone is None:
            continue
        for number in range(gone + 1, len(lines)):
            called = next((item for item in evaluators if f"{item}(" in lines[number]), None)
            if called is None or "def " in lines[number]:
                continue
            given = arguments(
                "\n".join(lines[number : number + 40]), lines[number].index(f"{called}(") + len(called) + 1
            )
            other = next(
                (
                    word
                    for word in _NAME.findall(given)
                    if not _deletes(lines[gone], word) and _exported(lines, word, loaded)
                ),
                None,
            )
            if other is None or _loaded_again(lines[loaded + 1 : number], other, loaders):
                continue
            says = (
                f"{called} scores {other} here, after {name}, into which the artifact was read back"
                f" (line {function.start + loaded}), has been deleted (line {function.start + gone})"
            )
            yield Evidence(
                function.place(function.start + number), says, Status.FLAGGED, Severity.VIOLATION, 0.75
            )


def _loaded_again(lines: list[str], name: str, loaders: set[str]) -> bool:
    """Return True when a name is bound anew in some lines, or its weights are loaded, straight or by a function."""
    bound = re.compile(rf"\s*{name}\s*(?::[^=\n]{{1,60}})?=(?!=)")
    if any(model == name for model, _ in _loads(lines)) or any(bound.match(line[:_WIDTH]) for line in lines):
        return True
    handed = [line for line in lines if name in _NAME.findall(line)]
    return any(f"{loader}(" in line for line in handed for loader in loaders)


def _loads(lines: list[str]) -> list[tuple[str, int]]:
    """Return (model, index of the line) of every loading of weights."""
    return [
        (match.group(1), number)
        for number, line in enumerate(lines)
        for match in _LOAD.finditer(line[:_WIDTH])
    ]


def _read_back(lines: list[str], number: int) -> bool:
    """Return True when what is loaded at a line leads back, within the function, to something read or decompressed."""
    texts = [" ".join(lines[number : number + 3])]
    for _ in range(_DEPTH):
        if any(_READ_BACK.search(text) for text in texts):
            return True
        words = {word for text in texts for word in _NAME.findall(text)}
        texts = [
            match.group(2) + " " + " ".join(lines[at + 1 : at + 3])
            for at, line in enumerate(lines[:number])
            if (match := _ASSIGNED.match(line[:_WIDTH])) and match.group(1) in words
        ]
    return any(_READ_BACK.search(text) for text in texts)


def _deletes(line: str, name: str) -> bool:
    words = line.strip().removeprefix("del ").split(",") if line.lstrip().startswith("del ") else []
    return name in [word.strip() for word in words]


def _exported(lines: list[str], name: str, before: int) -> bool:
    return any(f"{name}.state_dict()" in line for line in lines[:before])
