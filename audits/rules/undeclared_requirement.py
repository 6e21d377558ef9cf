"""Rule: the script needs a package that nothing declares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.example_folder import folder, readme
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.code import Import

DISTRIBUTIONS = {
    "flash_attn_interface": ("flash-attn", "flash-attn-3", "flash_attn_3", "fa3", "flashattention"),
    "flash_attn": ("flash-attn", "flashattention"),
    "yaml": ("pyyaml",),
    "sklearn": ("scikit-learn",),
    "cv2": ("opencv-python",),
    "PIL": ("pillow",),
    "mlx": ("mlx",),
    "google": ("protobuf", "google"),
}
TEXT_CAP = 200_000


class UndeclaredRequirement(Rule):
    """A third-party package is imported that neither requirements, README nor setup script names.

    Why: extra packages are free, but a reviewer must be able to install them.
    Looks for: unguarded imports outside the standard library and the challenge's own environment in requirement
    files, README and shell scripts of the folder.
    Blind to: versions; packages that a named one brings along.
    """

    id = "undeclared-requirement"
    axis = Axis.PACKAGE
    condition = Condition.PACKAGE
    sources = (
        RuleSource("README FAQ", "0hq", "2026-03-20", "any package may be imported when its setup is given"),
    )
    flagged = (
        Example(
            "brotli out of nowhere", "import brotli\n\nprint(brotli.compress(b'x'))\n", folder(), "#1218"
        ),
    )
    clean = (
        Example(
            "brotli in the README",
            "import brotli\n\nprint(brotli.compress(b'x'))\n",
            folder(readme_text=readme("Needs `pip install brotli`.")),
            "#1394",
        ),
        Example(
            "survives without it",
            "try:\n    import brotli\nexcept ImportError:\n    brotli = None\nprint(brotli)\n",
            folder(),
            "#1334",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Look every import up in what the folder declares."""
        if facts.code.main is None:
            return self.outcome(Status.NOT_APPLICABLE, "there is no readable main script")
        needed: dict[str, Import] = {}
        for entry in facts.code.imports:
            if not entry.guarded:
                needed.setdefault(entry.package, entry)
        if not needed:
            return self.outcome(Status.CLEAN, "nothing beyond the standard library is needed")
        text = _declared_text(facts)
        missing = [entry for name, entry in needed.items() if not _declared(name, facts, text)]
        if not missing:
            return self.outcome(Status.CLEAN, f"{len(needed)} packages are provided or declared")
        evidence = tuple(
            Evidence(e.location, f"{e.package} is declared nowhere", severity=Severity.VIOLATION)
            for e in missing
        )
        names = ", ".join(entry.package for entry in missing)
        return self.outcome(
            Status.FLAGGED, f"imported and declared nowhere: {names}", evidence, confidence=0.8
        )


def _declared_text(facts: Facts) -> str:
    """Return everything a reader would look for setup instructions in, lower case."""
    texts = [" ".join(facts.claims.requirements), " ".join(facts.claims.readme.dependencies)]
    for file in facts.submission.files:
        wanted = (
            file.suffix in (".md", ".sh", ".toml", ".yml", ".yaml", ".cfg")
            or "requirements" in file.name.lower()
        )
        if wanted:
            texts.append(file.data[:TEXT_CAP].decode("utf-8", "replace"))
    return "\n".join(texts).lower()


def _declared(package: str, facts: Facts, text: str) -> bool:
    names = {package.lower(), package.lower().replace("_", "-"), *DISTRIBUTIONS.get(package, ())}
    if names & set(facts.challenge.provided_packages):
        return True
    return any(re.search(rf"(?<![a-z0-9_]){re.escape(name)}(?![a-z0-9])", text) for name in names)
