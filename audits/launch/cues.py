"""Words that speak against a setting named in prose: negated, offered as another way to run, of another run.

Promises to object too often rather than too seldom: a setting that is missed leaves a default, one that is
wrong accuses an honest entry. It reads words, never what they mean together.
"""

from __future__ import annotations

import re

from audits.facts.code.evidence import is_off

MAX_WORDS = 4000
"""Characters around a setting; what stands among more is not judged."""
_VERBOSE = re.IGNORECASE | re.VERBOSE
_NEGATED = re.compile(r"\b(?:not|never|cannot|neither|nor|unlike|unused|rather)\b|n['’]t\b|~~", re.IGNORECASE)
_AGAINST_ON = re.compile(
    r"\b(?:no|none|without|off|dormant|(?:disabl|skip|remov|exclud|avoid)\w*)\b", re.IGNORECASE
)
_AGAINST_OFF = re.compile(r"\b(?:enabl\w*|active|turned\son)\b", re.IGNORECASE)
_OFFERED = re.compile(
    r"""\b(?:can | could | may | might | would | should | if | when | unless | or | either | else
    | instead | options? | optional(?:ly)? | alternativ\w* | e\.g | examples? | such\sas
    | env(?:ironment)? | flags? | knobs? | toggle\w* | switch\w* | configurable | gated | support\w*
    | available | fallback | escape | revert\w* | to\s(?:en|dis)able | to\sturn | by\ssetting )\b
    # Orders, where a sentence, an item or its introduction begins; a backtick stands for code.
    | (?:^|[.;:!?/]\s+) (?: (?:set|use|pass|add|change|enable|disable|turn|choose)\s | run\s+(?:`|with|it) )
    | \bset(?:ting)?\s+`""",
    _VERBOSE,
)
_OF_ANOTHER = re.compile(
    r"""\b(?:baselines? | versus | vs | prior | older | earlier | parent | upstream | previous\w* | inherit\w*
    | defaults? | reference | historical | compar\w* | ablat\w* | variants? | sweep\w* | grid | study
    | supplementary | auxiliary | secondary | proxy | local\w* | quick | dry | smoke | sanity | debug\w*
    | diagnos\w* | explor\w* | experiment\w* | negative | worse | reject\w* | discard\w* | abandon\w*
    | dropped | fail\w* | future | next | follow-?ups? | remed\w* | potential\w* | plan\w* | todo
    | tr(?:y|ies|ied) | attempt\w* | test(?:s|ed|ing)?(?![-\s]time)
    | \d+[-\s]?(?:h|hours?|min|minutes?)[-\s]runs?
    | (?:run|config(?:uration)?|stage|phase)\s\#?(?:\d+|(?-i:[A-F])) )\b""",
    _VERBOSE,
)


def objection(words: str, value: str) -> str:
    """Return what the words around a setting say against it, else an empty string."""
    if len(words) > MAX_WORDS:
        return f"it stands among more than {MAX_WORDS} characters"
    against = _AGAINST_OFF if is_off(value) else _AGAINST_ON
    for reason, pattern in (
        ("is negated", _NEGATED),
        ("is negated", against),
        ("is offered, not reported", _OFFERED),
        ("belongs to another run", _OF_ANOTHER),
    ):
        found = pattern.search(words)
        if found is not None:
            return f"it {reason}: beside it stands “{found[0].strip(' `/.;:!?')[:40]}”"
    return ""
