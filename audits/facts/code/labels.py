"""What a value depends on, as one integer: every label is a bit, a join is `|`.

Fixed bits name kinds of values. The other bits are handed out while a script is read and stand for

tag      one pass over one loop (`this iteration` and `an earlier one` are two tags of one loop)
val      validation tokens, narrowed by the tags that index them
state    something learned from validation tokens: an update site and the tags of what it learned from
param    a trainable thing: a model, an adapter, a free tensor
score    a loss on validation targets
conflict a score that depends on a state learned from the very tokens it scores
read     one place that reads tokens out of a stream
lookup   a read of a table under a key
tally    a histogram of tokens: what it is added to depends on all of them
knob     a switch of the configuration, in readings that leave the switches open
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audits.facts.code.events import Conflict, Learner, Lookup, ScoreSite, UpdateSite

PATH_VAL = 1 << 0
PATH_TRAIN = 1 << 1
TRAIN = 1 << 2
PIECES = 1 << 3
"""Derived from the tokenizer's pieces: byte counts, leading-space flags."""
NEXT_INDEX = 1 << 4
"""A position moved one to the right: what it reads from a token stream are targets."""
HASHED = 1 << 5
"""Several token ids mixed into one number by xor, or by a product cut with mod or mask."""
TARGET_HASHED = 1 << 9
"""A hash into which the realised next token was mixed (adding it afterwards picks a column instead)."""
TARGET_KEYED = 1 << 6
"""A count looked up under a hash that contains the target."""
ORACLE = 1 << 7
"""The better of two scores, chosen after the target was seen."""
SCORE_COMPARED = 1 << 8
"""A truth value that says which of two scores is better."""
BYTE_MIXED = 1 << 10
"""A score mixed with counts looked up under the bytes of the realised token."""
PREFIX = 1 << 11
"""Positions before a boundary inside a window (`[:s]`)."""
SUFFIX = 1 << 12
"""Positions from a boundary on (`[s:]`)."""
ENTROPY = 1 << 13
COUNTS = 1 << 14
"""A histogram of token ids."""
BYTES_FILE = 1 << 15
TARGET = 1 << 16
"""Holds the realised next token itself (the shifted stream)."""
COUNTED = 1 << 17
"""A count that a table holds of the realised next token itself."""
DISTRIBUTION = 1 << 18
"""Softmax or log-softmax output."""
ENTROPY_EXPERT = 1 << 20
"""Scores stacked beside an entropy, as if that were one of them."""
ENTROPY_MIXED = 1 << 21
"""A mixture in which an entropy stands for the log-probability of the target."""
GRADIENT = 1 << 22
"""Read off a gradient that a backward pass left on a parameter."""
STACKED = 1 << 23
"""Several scores of the same tokens side by side."""
ARTIFACT = 1 << 19
"""Read back from a file that the script itself wrote."""
CHOSEN = 1 << 24
"""Kept because a validation score was better with it."""
COUNTER = 1 << 25
"""The bare position of a loop over a range, or its neighbour: it picks one element, never a piece."""
CUT = 1 << 26
"""Validation tokens of which a constant number was kept."""
CAPPED = 1 << 27
"""A number that is at most a constant: `min(len(tokens), 50_000)`."""
OVERLAPPING = 1 << 28
"""A window that reaches into the one of the next pass of its loop."""
UNSORTED = 1 << 29
"""Read from a file whose path names no split, in the last reading only."""
UNSAVED = 1 << 30
"""Weights of the run put where the weights that were read back had been."""
GATED = 1 << 31
"""Counts mixed into a score only where the realised token was counted: that does not sum to one."""
MARKED = TARGET_KEYED | ORACLE | BYTE_MIXED | ENTROPY_MIXED
"""What is an offence on its way to a score."""
FIRST_DYNAMIC = 32
MANY = 24
"""More slices than this are told apart no longer: what they have in common stands for all of them."""


def bit_numbers(mask: int) -> Iterator[int]:
    """Yield the positions of the set bits of `mask`, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class Labels:
    """Hands out bits and remembers what each one stands for."""

    def __init__(self) -> None:

        self._next = FIRST_DYNAMIC
        self.tags = 0
        self.vals = 0
        self.states = 0
        self.table_states = 0
        """The states that tables learned (counts), a subset of `states`."""
        self.params = 0
        self.scores = 0
        self.conflicts = 0
        self.lookups = 0
        self.lineages = 0
        """Trainable things that others were copied or loaded from."""
        self.reads = 0
        self.hashed_reads = 0
        self.knobs = 0
        self.choices = 0
        """Those of the knobs that say `as the switch has this value`."""
        self.tallies = 0
        self.tag_info: dict[int, tuple[int, float]] = {}
        self.val_tags: dict[int, int] = {}
        self.state_info: dict[int, tuple[UpdateSite, int]] = {}
        self.param_info: dict[int, object] = {}
        self.score_info: dict[int, ScoreSite] = {}
        self.conflict_info: dict[int, Conflict] = {}
        self.lookup_info: dict[int, Lookup] = {}
        self.knob_info: dict[int, str] = {}
        self.tally_info: dict[int, tuple[Any, Any, int]] = {}
        self._interned: dict[object, int] = {}
        self._ordered: dict[tuple[int, int], bool] = {}
        self._spans: dict[int, tuple[dict[int, float], dict[int, float]]] = {}
        self._loops = 0

    def _fresh(self) -> int:
        bit = self._next
        self._next += 1
        return bit

    def new_loop(self) -> int:
        """Return the number of a new loop instance."""
        self._loops += 1
        return self._loops

    def tag(self, loop: int, step: float) -> int:
        """Return the mask of pass `step` (1, 2, or half a step less for `i - 1`) of a loop instance."""
        key = ("tag", loop, step)
        bit = self._interned.get(key)
        if bit is None:
            bit = self._interned[key] = self._fresh()
            self.tag_info[bit] = (loop, step)
            self.tags |= 1 << bit
        return 1 << bit

    def val(self, tags: int) -> int:
        """Return the mask of validation tokens indexed under `tags`."""
        key = ("val", tags)
        bit = self._interned.get(key)
        if bit is None:
            bit = self._interned[key] = self._fresh()
            self.val_tags[bit] = tags
            self.vals |= 1 << bit
        return 1 << bit

    def state(self, site: UpdateSite, tags: int) -> int:
        """Return the mask of what `site` learned from tokens indexed under `tags`."""
        key = ("state", id(site), tags)
        bit = self._interned.get(key)
        if bit is None:
            bit = self._interned[key] = self._fresh()
            self.state_info[bit] = (site, tags)
            self.states |= 1 << bit
            if site.learner is Learner.TABLE:
                self.table_states |= 1 << bit
        return 1 << bit

    def param(self, owner: object) -> int:
        """Return the mask of a trainable thing."""
        key = ("param", id(owner))
        bit = self._interned.get(key)
        if bit is None:
            bit = self._interned[key] = self._fresh()
            self.param_info[bit] = owner
            self.params |= 1 << bit
        return 1 << bit

    def lineage(self, params: int) -> int:
        """Return the mask that says `made from` the trainable things in `params`."""
        out = 0
        for param in bit_numbers(params & self.params):
            key = ("lineage", param)
            bit = self._interned.get(key)
            if bit is None:
                bit = self._interned[key] = self._fresh()
                self.lineages |= 1 << bit
            out |= 1 << bit
        return out

    def score(self, site: ScoreSite) -> int:
        """Return the mask of a loss on validation targets."""
        key = ("score", site.key)
        bit = self._interned.get(key)
        if bit is None:
            bit = self._interned[key] = self._fresh()
            self.score_info[bit] = site
            self.scores |= 1 << bit
        return 1 << bit

    def conflict(self, conflict: Conflict) -> int:
        """Return the mask of a score that sees its own tokens through a learned state."""
        key = ("conflict", id(conflict.update), id(conflict.score), conflict.same_pass)
        bit = self._interned.get(key)
        if bit is None:
            bit = self._interned[key] = self._fresh()
            self.conflict_info[bit] = conflict
            self.conflicts |= 1 << bit
        return 1 << bit

    def read(self, node: object) -> int:
        """Return the mask of one place that reads tokens out of a stream."""
        key = ("read", id(node))
        bit = self._interned.get(key)
        if bit is None:
            bit = self._interned[key] = self._fresh()
            self.reads |= 1 << bit
        return 1 << bit

    def hashed(self, mask: int) -> int:
        """Return what is added to a value when the tokens it was read from are mixed into a hash."""
        out = HASHED
        for bit in bit_numbers(mask & self.reads):
            out |= self._hashed_read(bit)
        if mask & TARGET:
            out |= TARGET_HASHED
        return out

    def _hashed_read(self, read: int) -> int:
        key = ("hashed read", read)
        bit = self._interned.get(key)
        if bit is None:
            bit = self._interned[key] = self._fresh()
            self.hashed_reads |= 1 << bit
        return 1 << bit

    def lookup(self, lookup: Lookup) -> int:
        """Return the mask of one table read."""
        key = ("lookup", lookup.key)
        bit = self._interned.get(key)
        if bit is None:
            bit = self._interned[key] = self._fresh()
            self.lookup_info[bit] = lookup
            self.lookups |= 1 << bit
        return 1 << bit

    def knob(self, name: str) -> int:
        """Return the mask that says `as the switch called `name` is set`; `NAME=value` says how."""
        key = ("knob", name)
        bit = self._interned.get(key)
        if bit is None:
            bit = self._interned[key] = self._fresh()
            self.knob_info[bit] = name
            self.knobs |= 1 << bit
            if "=" in name:
                self.choices |= 1 << bit
        return 1 << bit

    def tally(self, frame: object, node: object, vals: int) -> int:
        """Return the mask of a histogram of validation tokens, made at a node."""
        key = ("tally", id(node), vals)
        bit = self._interned.get(key)
        if bit is None:
            bit = self._interned[key] = self._fresh()
            self.tally_info[bit] = frame, node, vals
            self.tallies |= 1 << bit
        return 1 << bit

    def narrow(self, mask: int, tags: int) -> int:
        """Return `mask` with its validation tokens restricted to what `tags` index."""
        vals = mask & self.vals
        if not vals or not tags:
            return mask | tags
        out = mask ^ vals
        for known in self.val_tag_sets(vals):
            out |= self.val(known | tags)
        return out | tags

    def narrowed(self, targets: int, seen: int) -> int:
        """Return those tokens in `seen` that were cut out of `targets`, themselves included."""
        if targets == seen:
            return seen
        origins = [self.val_tags[bit] for bit in bit_numbers(targets)]
        out = 0
        for bit in bit_numbers(seen):
            tags = self.val_tags[bit]
            if any(origin & tags == origin for origin in origins):
                out |= 1 << bit
        return out

    def without_loops_of(self, mask: int, other: int) -> int:
        """Return `mask` less its tags of the loops that `other` has tags of."""
        tags, theirs = mask & self.tags, other & self.tags
        if not tags or not theirs:
            return mask
        loops = {self.tag_info[bit][0] for bit in bit_numbers(theirs)}
        for bit in bit_numbers(tags & ~theirs):
            if self.tag_info[bit][0] in loops:
                mask &= ~(1 << bit)
        return mask

    def latest(self, mask: int) -> int:
        """Return `mask` with no more than the last of its tags of each loop."""
        last: dict[int, int] = {}
        for bit in bit_numbers(mask & self.tags):
            loop = self.tag_info[bit][0]
            known = last.get(loop)
            if known is None:
                last[loop] = bit
            else:
                lower, last[loop] = sorted((bit, known), key=lambda number: self.tag_info[number][1])
                mask &= ~(1 << lower)
        return mask

    def val_tag_sets(self, mask: int) -> list[int]:
        """Return the tag masks of the validation atoms in `mask`; of very many, what all of them share."""
        found = [self.val_tags[bit] for bit in bit_numbers(mask & self.vals)]
        if len(found) <= MANY:
            return found
        common = found[0]
        for tags in found:
            common &= tags
        return [common]

    def learned_earlier(self, state_tags: int, score_tags: int) -> bool:
        """Return True when some loop shows that the learned tokens come strictly before the scored ones."""
        key = (state_tags, score_tags)
        known = self._ordered.get(key)
        if known is None:
            latest, earliest = self._passes(state_tags)[1], self._passes(score_tags)[0]
            known = any(loop in latest and latest[loop] < step for loop, step in earliest.items())
            self._ordered[key] = known
        return known

    def _passes(self, tags: int) -> tuple[dict[int, float], dict[int, float]]:
        """Return the earliest and the latest pass that `tags` name of each loop."""
        found = self._spans.get(tags)
        if found is None:
            earliest: dict[int, float] = {}
            latest: dict[int, float] = {}
            for bit in bit_numbers(tags):
                loop, step = self.tag_info[bit]
                latest[loop] = max(step, latest.get(loop, step))
                earliest[loop] = min(step, earliest.get(loop, step))
            found = self._spans[tags] = earliest, latest
        return found

    def only_by(self, loops: set[int], state_tags: int, score_tags: int) -> bool:
        """Return whether no loop but these shows that the learned tokens come before the scored ones."""
        shared = {self.tag_info[bit][0] for bit in bit_numbers(state_tags)} - loops
        kept = sum(1 << bit for bit in bit_numbers(state_tags) if self.tag_info[bit][0] in shared)
        return not self.learned_earlier(kept, score_tags)

    def shares_pass(self, common: int, loops: tuple[int, ...]) -> bool:
        """Return True when one of the tags in common is of a loop that was open at the update."""
        return any(self.tag_info[bit][0] in loops for bit in bit_numbers(common))
