"""A small sweep to make sites from: the embedded examples and a hostile folder, swept for real, and copies.

The copies have rows and figures of their own and share the facts of what was swept: they cost nothing.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from audits.example_evaluation import ADAPT, EVALUATE, script
from audits.example_folder import claims, folder
from containers.smoke_result import Label, SmokeError
from harness.auditing import embedded_examples
from harness.smoke.document import to_document
from harness.sweep.records import Pull, State, StoredSmoke
from harness.sweep.store import Store
from harness.sweep.sweeper import Request, sweep
from harness.sweep.versions import current
from harness.sweep.work import JudgedEntry
from tests.audits.repository import Repository
from tests.harness.smoke.runs import failed, passed
from tests.harness.sweep.mirrors import Counting

RECORD = "records/track_10min_16mb"
HOSTILE_NAME = "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=2>"
HOSTILE_AUTHOR = "\u202eevil\u2066 & <b>bold</b>"
HOSTILE_LINE = "    total = 0  # <img src=x onerror=window.pwned=3> {{ 7*7 }} </pre>\n"
CLEAN_PR, NGRAM_PR, PREQUANT_PR, SCORE_FIRST_PR = 1, 2, 3, 4
HOSTILE_PR, TWIN_PR, NOTHING_PR, TWO_FOLDERS_PR, CRASHED_PR = 5, 6, 7, 8, 9
FIRST_COPY, COPIES = 100, 200
"""Numbers of the copied pull requests."""
TOTAL_PULLS = 9 + COPIES
TOTAL_ROWS = TOTAL_PULLS + 1


def make_run(directory: Path) -> Path:
    """Sweep a repository made here, and return the run directory."""
    repository = Repository(directory / "mirror")
    for number, example in enumerate(embedded_examples(), 1):
        repository.pull(number, _files(Path(example)))
    repository.pull(HOSTILE_PR, _hostile())
    repository.pull(TWIN_PR, _renamed(_files(Path(embedded_examples()[0]))))
    repository.pull(NOTHING_PR, {"docs/note.md": "# A note\n"})
    repository.pull(TWO_FOLDERS_PR, {**_plain("2026-04-02_First"), **_plain("2026-04-03_Second")})
    repository.pull(CRASHED_PR, _plain("2026-04-04_Crashed", code="print('other')\n"))
    out = directory / "run"
    sweep(Request(repo=str(directory / "mirror"), out=out, jobs=1), Counting())
    _add_copies(out)
    return out


def write_reviews(mirror: Path, directory: Path) -> Path:
    """Keep reviews of three pull requests: legal, hostile, and one without a submission."""
    from harness.auditing import Request as Asked
    from harness.review.output import keep
    from harness.review.reviewing import Plan, review

    for number in (CLEAN_PR, HOSTILE_PR, NOTHING_PR):
        plan = Plan(Asked(repo=str(mirror), pr=number), skip=("smoke",))
        keep(review(plan), plan, None, directory / f"pr-{number}")
    return directory


def _files(example: Path) -> dict[str, str | bytes]:
    """Return the files of an embedded example, at their place in a repository."""
    where = f"records/{example.parent.name}/{example.name}"
    return {f"{where}/{path.name}": path.read_bytes() for path in example.iterdir() if path.is_file()}


def _renamed(files: dict[str, str | bytes]) -> dict[str, str | bytes]:
    return {path.replace("/2026-11-23_", "/2026-11-24_Twin"): data for path, data in files.items()}


def _plain(name: str, code: str = "print('train')\n") -> dict[str, str | bytes]:
    return {f"{RECORD}/{name}/{path}": text for path, text in (("train_gpt.py", code), *folder())}


def _hostile() -> dict[str, str | bytes]:
    """Return a folder that trains on validation tokens and tries to break the page that shows it."""
    steps = ("adapt(args, model, val_tokens)",)
    code = script(ADAPT, EVALUATE, steps=steps).replace(
        "    optimizer.step()\n", "    optimizer.step()\n" + HOSTILE_LINE
    )
    stated = claims(0.9, name=HOSTILE_NAME, author=HOSTILE_AUTHOR, github_id=HOSTILE_AUTHOR)
    files = (("train_gpt.py", code), *folder(json_text=stated))
    return {f"{RECORD}/2026-04-01_<b>hostile&'\"/{path}": text for path, text in files}


def _add_copies(out: Path) -> None:
    """Add pull requests that share the facts of the swept ones, and let one crash."""
    store = Store.create(out)
    versions, about = current(), store.about()
    swept = [judged for judged in store.judged() if judged.entry.pr not in (HOSTILE_PR, CRASHED_PR)]
    asked = [pull.pr for pull in store.pulls()]
    for index in range(COPIES):
        original = swept[index % len(swept)]
        pr = FIRST_COPY + index
        entry = replace(original.entry, pr=pr, position=0, cluster="")
        day = f"2026-{3 + index // 100:02d}-{1 + index % 28:02d}T00:00:00+00:00"
        pull = Pull(pr, f"{pr:040x}", day, State.PENDING, "", ())
        where = (original.entry.pr, original.entry.position)
        store.put_pull(pull, about["base"], versions.extractor, 0.0, [(entry, store.shell(where))])
        assert original.summary is not None
        summary = replace(original.summary, claimed_bpb=1.0 + index / 1000, name=f"Copy number {index}")
        verdicts = tuple(original.verdicts.values())
        judged = JudgedEntry((pr, 0), store.outcomes_json(where), summary, verdicts)
        store.put_judgement(judged, entry.facts_key, versions)
        asked.append(pr)
    crashed = next(entry for entry in store.entries() if entry.pr == CRASHED_PR)
    store.put_facts(crashed.facts_key, versions.extractor, None, "ran out of memory", None, 1.0)
    _add_smokes(store)
    store.ask(asked, about)
    store.close()


def _add_smokes(store: Store) -> None:
    """Give one folder a pass, and the hostile one a run that fails with hostile words."""
    error = SmokeError("RuntimeError", HOSTILE_NAME, "train_gpt.py", 3, HOSTILE_LINE)
    for pr, result in (
        (CLEAN_PR, passed()),
        (HOSTILE_PR, failed(Label.SHIM_GAP, error, output_tail=HOSTILE_NAME)),
    ):
        document = json.dumps(to_document(result))
        store.put_smoke((pr, 0), StoredSmoke("key", "judge", document, None))


def write_labels(path: Path) -> Path:
    """Write labels for the swept examples: one met, one false alarm, one missed alarm."""
    rows = [
        (PREQUANT_PR, "2026-11-23_PrequantTTT", "ILLEGAL", ["prequant-ttt"]),
        (NGRAM_PR, "2026-11-23_NgramCache", "CLEAN", ["pure-neural"]),
        (CLEAN_PR, "2026-11-23_NeuralBaseline", "ILLEGAL", ["prequant-ttt"]),
    ]
    text = "".join(
        json.dumps(
            {
                "pr": pr,
                "folder": name,
                "axes": {"legality": legality, "metric": "CLEAN", "limits": "UNJUDGED"},
                "patterns": [{"name": pattern, "lines": "1-2"} for pattern in patterns],
                "confidence": 0.9,
                "why": "as the test wants it",
            }
        )
        + "\n"
        for pr, name, legality, patterns in rows
    )
    path.write_text(text, encoding="utf-8")
    return path
