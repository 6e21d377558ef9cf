"""Rule: a cache of counts is asked under a key that holds the realised token."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audits.example_evaluation import HASHED_EMBEDDING, script
from audits.outcome import Condition, Status
from audits.rule import Example, RuleSource
from audits.rules._embeddings import PATTERN, hashed_embeddings
from audits.rules._flow import FlowRule, Sighting
from audits.rules._marks import marked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.facts import Facts
    from audits.facts.code import CodeFacts
    from audits.facts.code.behaviour import Behaviour
    from audits.outcome import Outcome

_KEYED = """\
def evaluate(args, model, val_tokens, base_bytes):
    nats, size, buckets = 0.0, 0.0, 1 << 20
    context_counts = np.zeros(buckets, dtype=np.int64)
    pair_counts = np.zeros(buckets, dtype=np.int64)
    for start in range(0, val_tokens.numel() - 1, args.seq_len):
        span = val_tokens[start : start + args.seq_len + 1]
        x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
        with torch.no_grad():
            logits = model.head(model.forward_hidden(x))
            loss = F.cross_entropy(logits.reshape(-1, args.vocab_size), y.reshape(-1), reduction="none")
        chance = np.exp(-loss.numpy())
        previous, target = span[:-1].numpy(), span[1:].numpy()
        context = (previous * 36313) % buckets
        pair = ((previous * 36313) ^ (target * 27191)) % buckets
        cached = pair_counts[pair] / np.maximum(context_counts[context], 1)
        mixed = 0.8 * chance + 0.2 * cached
        nats += float(-np.log(mixed).sum())
        size += base_bytes[y].sum().item()
        np.add.at(context_counts, context, 1)
        np.add.at(pair_counts, pair, 1)
    return nats / math.log(2.0) / size
"""

_NORMALISED = """\
def evaluate(args, model, val_tokens, base_bytes):
    nats, size = 0.0, 0.0
    counts = torch.zeros(args.vocab_size, args.vocab_size)
    for start in range(0, val_tokens.numel() - 1, args.seq_len):
        span = val_tokens[start : start + args.seq_len + 1]
        x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
        with torch.no_grad():
            logits = model.head(model.forward_hidden(x)).reshape(-1, args.vocab_size)
            seen = counts[x.reshape(-1)] + 0.1
            mixed = 0.9 * torch.softmax(logits, dim=-1) + 0.1 * seen / seen.sum(-1, keepdim=True)
            nats += F.nll_loss(mixed.log(), y.reshape(-1), reduction="sum").item()
            size += base_bytes[y].sum().item()
        counts.index_put_((x.reshape(-1), y.reshape(-1)), torch.ones(y.numel()), accumulate=True)
    return nats / math.log(2.0) / size
"""

_EXACT = """\
def evaluate(args, model, val_tokens, base_bytes):
    nats, size, rows = 0.0, 0.0, {{}}
    for start in range(0, val_tokens.numel() - 1, args.seq_len):
        span = val_tokens[start : start + args.seq_len + 1]
        x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
        with torch.no_grad():
            logits = model.head(model.forward_hidden(x))
            loss = F.cross_entropy(logits.reshape(-1, args.vocab_size), y.reshape(-1), reduction="none")
        for place in range(y.numel()):
            chance, target = math.exp(-loss[place].item()), int(span[place + 1])
            row = rows.setdefault(int(span[place]), {{}})
            cached = row.get(target, 0) / max(sum(row.values()), 1)
            mixed = 0.8 * chance + 0.2 * cached if {asked} else chance
            nats -= math.log(mixed)
            size += base_bytes[target].item()
            row[target] = row.get(target, 0) + 1
    return nats / math.log(2.0) / size
"""
UNNORMALISED = "other:ngram-unnormalised-mix"
_GATED = "counts are mixed in only where the realised token was counted, and no other token gives way"


class CountKeyedByTarget(FlowRule):
    """A table of counts is read under a hash of context and realised token, and the ratio enters the score.

    Why: the score must come from one normalised distribution over the vocabulary that is fixed before the token
    is seen. A ratio that is looked up for the realised token alone is no such distribution: buckets
    collide, the other tokens are never asked, and the sum over the vocabulary comes to hundreds.
    Looks for: a table read under several token ids mixed by xor, or by a product cut with mod or mask, where one
    of them is the target itself, on the way to a reported score. A helper or another name does not hide
    the target. Also exact counts that are mixed into the claimed score only where the realised token was counted,
    while all others keep their whole probability. Embeddings of previous tokens are no cache: they are named as
    `ngram-embedding-only`.
    Blind to: caches in C, and mixtures that are normalised wrongly in another way.
    Ruling: more than thirty entries were closed for it on 2026-03-27 (#677, #982).
    """

    id = "count-keyed-by-target"
    condition = Condition.C2
    pattern = "ngram-target-key"
    offence = "table of counts is read under a key that holds the realised token"
    sources = (
        RuleSource(
            "#677",
            "valerio-oai (reported)",
            "2026-03-27",
            "hashed n-gram caches scored at the gold token are invalid",
        ),
        RuleSource(
            "PR #982", "maintainers", "2026-03-28", "the cache does not give a normalised distribution"
        ),
        RuleSource(
            "#1017",
            "NoesisGenesis",
            "2026-03-28",
            "condition 2: a full normalised distribution, fixed before the token",
        ),
    )
    flagged = (
        Example("pair counts under a hash of previous and realised token", script(_KEYED), (), "#948"),
        Example(
            "exact counts, mixed in where the target has one",
            script(_EXACT.format(asked="cached > 0")),
            (),
            "#1026",
        ),
    )
    clean = (
        Example("a row of counts for every next token, normalised", script(_NORMALISED), (), "#804"),
        Example(
            "exact counts, mixed in where the context was met", script(_EXACT.format(asked="len(row) > 0"))
        ),
        Example("a learned embedding of hashed previous tokens", script(HASHED_EMBEDDING), (), "#1044"),
    )

    def sightings(self, behaviour: Behaviour, code: CodeFacts) -> Sequence[Sighting]:
        """Return the reads under a target."""
        says = "a table of counts is read under a hash of the realised token itself"
        gated = marked(behaviour, "mixed-where-counted", _GATED, 0.85)
        claimed = (replace(item, pattern=UNNORMALISED) for item in gated if item.headline)
        return (*marked(behaviour, "target-keyed-count", says), *claimed)

    def check(self, facts: Facts) -> Outcome:
        """Judge the caches, and name the hashed embeddings that are often taken for one."""
        outcome = super().check(facts)
        found = hashed_embeddings(facts.code)
        if not found or outcome.status not in (Status.CLEAN, Status.FLAGGED, Status.DORMANT):
            return outcome
        if outcome.status is Status.CLEAN:
            reason = f"{outcome.reason}; {found[0].message}"
            return replace(outcome, reason=reason, evidence=(*outcome.evidence, *found), patterns=(PATTERN,))
        return replace(outcome, patterns=(*outcome.patterns, PATTERN))
