"""Records for the claims of a submission. Every number keeps the line it stands on."""

from __future__ import annotations

from dataclasses import dataclass

from audits.facts.claim import Claim


@dataclass(frozen=True, slots=True)
class JsonProblem:
    """Something wrong with submission.json as a file."""

    code: str
    """`missing`, `absent`, `empty`, `encoding`, `bom`, `too-deep`, `syntax`, `not-an-object`,
    `duplicate-key`, `not-a-number`, `number-as-text`."""
    message: str
    line: int = 1

    @property
    def fatal(self) -> bool:
        """Tell whether nothing could be read from the file."""
        return self.code in {
            "missing",
            "absent",
            "empty",
            "encoding",
            "too-deep",
            "syntax",
            "not-an-object",
        }


@dataclass(frozen=True, slots=True)
class SeedClaim:
    """What is claimed about one seed's run."""

    seed: int | None
    label: str
    """The key or cell it was read from."""
    val_bpb: Claim[float] | None = None
    val_loss: Claim[float] | None = None
    bytes_total: Claim[int] | None = None
    bytes_model: Claim[int] | None = None
    steps: Claim[int] | None = None
    train_seconds: Claim[float] | None = None
    eval_seconds: Claim[float] | None = None


@dataclass(frozen=True, slots=True)
class SubmissionClaims:
    """submission.json, whatever its dialect."""

    path: str
    problems: tuple[JsonProblem, ...] = ()
    name: Claim[str] | None = None
    author: Claim[str] | None = None
    github_id: Claim[str] | None = None
    date: Claim[str] | None = None
    track: Claim[str] | None = None
    summary: Claim[str] | None = None
    val_bpb: Claim[float] | None = None
    val_bpb_mean: Claim[float] | None = None
    """Stated apart from `val_bpb`, which may then be a best seed."""
    val_bpb_std: Claim[float] | None = None
    val_loss: Claim[float] | None = None
    other_bpb: tuple[Claim[float], ...] = ()
    """Further val_bpb-like values (`sliding_val_bpb`, `pre_quant_val_bpb`); the text begins with the key."""
    bytes_total: Claim[int] | None = None
    bytes_code: Claim[int] | None = None
    bytes_model: Claim[int] | None = None
    other_bytes: tuple[Claim[int], ...] = ()
    steps: Claim[int] | None = None
    train_seconds: Claim[float] | None = None
    eval_seconds: Claim[float] | None = None
    seeds: tuple[SeedClaim, ...] = ()
    seed_count: int | None = None
    """How many seeds are listed, also where no result is given for them."""
    hardware: tuple[Claim[str], ...] = ()
    predecessor_pr: Claim[int] | None = None
    compliance: tuple[Claim[bool], ...] = ()
    """Self-declared flags; the text begins with the flag's name."""
    keys: tuple[str, ...] = ()
    """Top-level keys in order."""

    @property
    def readable(self) -> bool:
        """Tell whether the file could be read as a JSON object."""
        return not any(problem.fatal for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Predecessor:
    """An earlier pull request named next to a score."""

    pr: int
    val_bpb: float | None
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class ReadmeClaims:
    """Numbers in the README, in reading order."""

    path: str
    present: bool
    lines: int = 0
    bpb: tuple[Claim[float], ...] = ()
    """Numbers on lines that speak of `bpb`: scores, but also gains, spreads and other entries' scores."""
    headline: Claim[float] | None = None
    """The first number that is put forward as the entry's own score."""
    byte_counts: tuple[Claim[int], ...] = ()
    megabytes: tuple[Claim[float], ...] = ()
    """Sizes in MB or MiB as written; the text tells the unit."""
    seeds: tuple[SeedClaim, ...] = ()
    """Rows of a table with a seed column."""
    mean_bpb: Claim[float] | None = None
    std_bpb: Claim[float] | None = None
    hardware: tuple[Claim[str], ...] = ()
    predecessors: tuple[Predecessor, ...] = ()
    unlimited_compute: Claim[str] | None = None
    """The words that claim the unlimited-compute flavour."""
    non_record: Claim[str] | None = None
    dependencies: tuple[str, ...] = ()
    """Packages named in `pip install` lines, lower case."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Everything claimed outside the logs."""

    submission: SubmissionClaims
    readme: ReadmeClaims
    requirements: tuple[str, ...] = ()
    """Distribution names in requirement files, lower case."""

    @property
    def headline(self) -> Claim[float] | None:
        """Return the score that the submission stands for."""
        return self.submission.val_bpb or self.submission.val_bpb_mean or self.readme.headline

    @property
    def stated_mean(self) -> Claim[float] | None:
        """Return the mean over seeds where it is stated as one."""
        return self.submission.val_bpb_mean or self.readme.mean_bpb

    @property
    def seeds(self) -> tuple[SeedClaim, ...]:
        """Return the per-seed claims: submission.json's, else the README table's."""
        return self.submission.seeds or self.readme.seeds
