"""Reads everything off a submission once: code, logs, claims, artifact sizes, byte table.

Promises one frozen record and no opinion. The parts are imported where they are used, so that reading logs
does not pay for the code analysis.
"""

from __future__ import annotations

from audits.challenge import Challenge, Track
from audits.facts import Facts
from audits.facts.claims import Claims
from audits.facts.logs import LogFacts
from audits.submission import Submission

UNKNOWN_TRACK = "unknown"


def extract(submission: Submission, challenge: Challenge) -> Facts:
    """Return the facts of a submission. Reads, decodes and parses; executes nothing of it."""
    from audits.facts.artifact import measure_artifact
    from audits.facts.boundaries import read_boundaries
    from audits.facts.byte_table import read_byte_table
    from audits.facts.claims import read_claims
    from audits.facts.code.extract import CodeSource, extract_code
    from audits.facts.code.modules import parse
    from audits.facts.headline import claimed_runs
    from audits.facts.logs import parse_logs
    from audits.facts.native import read_native
    from audits.unpack.layers import unpack

    claims = read_claims(submission)
    logs = parse_logs(submission, challenge)
    unpacked = unpack(submission)
    modules, problems = parse(unpacked.main, unpacked.modules)
    source = CodeSource(unpacked.layers, unpacked.main, modules, (*unpacked.problems, *problems))
    labels, runs = claimed_labels(logs, claims), claimed_runs(logs, claims)
    code = extract_code(submission, source, logs, labels, runs)
    return Facts(
        submission=submission,
        challenge=challenge,
        track=choose_track(submission, challenge, claims),
        code=code,
        logs=logs,
        claims=claims,
        artifact=measure_artifact(submission, challenge, unpacked.layers, logs, claims),
        byte_table=read_byte_table(modules, code.settings),
        native=read_native(
            unpacked.layers,
            modules,
            code.settings,
            tuple(command.script for command in submission.run_commands if command.script),
        ),
        boundaries=read_boundaries(modules, code.settings),
    )


def claimed_labels(logs: tuple[LogFacts, ...], claims: Claims) -> frozenset[str]:
    """Return the labels of the log lines whose number is the claimed one."""
    from audits.facts.headline import scored_line

    found = [scored_line(log, claims) for log in logs]
    return frozenset(item.line.label for item in found if item is not None and item.claimed)


def choose_track(submission: Submission, challenge: Challenge, claims: Claims) -> Track:
    """Return the track that applies: the directory's, refined by what a non-record entry says of itself."""
    by_directory = challenge.track(submission.track)
    stated = _stated(challenge, claims)
    if by_directory is None:
        return stated or Track(
            submission.track or UNKNOWN_TRACK, None, None, None, record=False, unknown=True
        )
    if by_directory.record:
        return by_directory
    if claims.readme.unlimited_compute and not (stated and stated.record):
        unlimited = _spelled(challenge, claims.readme.unlimited_compute.value)
        stated = unlimited or stated
    # A claim may move an entry between the flavours of its directory, never onto the record board.
    return stated if stated is not None and not stated.record else by_directory


def _stated(challenge: Challenge, claims: Claims) -> Track | None:
    claim = claims.submission.track
    return _spelled(challenge, claim.value) if claim else None


def _spelled(challenge: Challenge, words: str) -> Track | None:
    """Return the track whose longest spelling occurs in the words."""
    text = words.lower()
    found = [
        (len(word), number, track)
        for number, track in enumerate(challenge.tracks)
        for word in (track.name, *track.spellings)
        if word in text
    ]
    return max(found, key=lambda entry: (entry[0], entry[1]))[2] if found else None
