"""The abstract machine: its memory, and what it records of updates, scores, conflicts and reports."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from audits.facts.code import labels as lab
from audits.facts.code.events import Conflict, Learner, Report, ScoreSite, UpdateKind, UpdateSite
from audits.facts.code.labels import bit_numbers
from audits.facts.code.memory import Frame, Memory
from audits.facts.code.values import Container, Fixed, Function, Value


class Machine(Memory):
    """A reading with its records."""

    def __init__(self, budget: int) -> None:
        super().__init__(budget)
        self.clashes: set[tuple[int, int]] = set()
        """Updates and scores (by id) that are out of order even where no windows overlap."""
        self.gated = 0
        """Depth of branches that are taken only where the realised token had been counted."""
        self.scaled = False
        """Whether the innermost of these branches made room for what it mixes in."""

    def next_order(self) -> int:
        """Return the next number of the sequence that updates and scores share."""
        self.order += 1
        return self.order

    def learned(
        self,
        frame: Frame,
        node: ast.AST,
        mask: int,
        kind: UpdateKind,
        learner: Learner,
        shared: bool = False,
        owner: int = 0,
    ) -> int:
        """Record that something learns from the tokens in `mask`; return what it now depends on."""
        labels = self.labels
        out = mask & labels.states
        if not mask & labels.vals:
            return out
        key = (id(node), kind, learner, frame.function)
        site = self.update_sites.get(key)
        if site is None:
            site = UpdateSite(
                location=self.location(frame, node),
                kind=kind,
                learner=learner,
                order=self.next_order(),
                function=frame.function,
                loops=tuple(loop.number for loop in self.loops),
            )
            self.update_sites[key] = site
            self.trace.updates.append(site)
        site.shared = site.shared or shared
        site.owner |= owner
        site.lineage |= labels.lineage(owner)
        site.overlapping = site.overlapping or bool(mask & lab.OVERLAPPING)
        site.byte_keyed = site.byte_keyed or bool(learner is Learner.TABLE and mask & lab.PIECES)
        site.prefix_only = bool(mask & lab.PREFIX) and not mask & lab.SUFFIX
        for tags in labels.val_tag_sets(mask):
            site.repeated = site.repeated or self.goes_again(tags)
            out |= labels.state(site, tags)
        return out

    def goes_again(self, tags: int) -> bool:
        """Return whether an open loop that cuts out no tokens lies around one that does."""
        cutting = {self.labels.tag_info[bit][0] for bit in bit_numbers(tags)}
        passed = [loop.once or loop.number in cutting for loop in self.loops]
        last = max((place for place, loop in enumerate(self.loops) if loop.number in cutting), default=0)
        return not all(passed[:last])

    def scored(self, frame: Frame, node: ast.AST, prediction: int, targets: int, whole: bool = False) -> int:
        """Record a loss on validation targets; return its score and conflict labels."""
        labels = self.labels
        states = prediction & labels.states
        for bit in bit_numbers(prediction & labels.tallies):
            drawn = self.learned(*labels.tally_info[bit], UpdateKind.HISTOGRAM, Learner.TABLE)
            states |= drawn & labels.states
        params = prediction & labels.params
        caller = self.call_nodes[-1] if self.call_nodes else 0
        key = (id(node), caller, states, targets & labels.vals, params)
        site = self.score_sites.get(key)
        if site is None:
            site = ScoreSite(
                location=self.location(frame, node),
                order=self.next_order(),
                function=frame.function,
                loops=tuple(loop.number for loop in self.loops),
                key=key,
                learned=states,
                params=params,
                targets=targets & labels.vals,
                lineages=prediction & labels.lineages,
                cut=bool(targets & lab.CUT),
                whole=whole,
            )
            self.score_sites[key] = site
            self.trace.scores.append(site)
        return labels.score(site) | self.conflicts(states, targets & labels.vals, [site])

    def presumed(self, frame: Frame, node: ast.AST, mask: int) -> int:
        """Return `mask` as a score where it is turned into bits per byte, whoever computed it.

        It must depend on the realised next tokens of validation, so its loss was taken before our eyes: by a
        net that was made where it could not be followed, say. What was learned into is left: the order was
        not seen.
        """
        labels = self.labels
        unfit = mask & (labels.scores | labels.states) or not mask & lab.TARGET
        if not self.presuming or unfit or not mask & labels.vals:
            return mask
        return mask | self.scored(frame, node, mask & ~labels.vals, mask & labels.vals)

    def conflicts(self, states: int, targets: int, sites: Iterable[ScoreSite]) -> int:
        """Return conflict labels for learned states that are not strictly earlier than the targets."""
        labels = self.labels
        out = 0
        # Every score may meet every update: a script that is written out chunk by chunk pays for it.
        self.budget -= 4 * states.bit_count() * targets.bit_count()
        if self.budget < 0:
            self.step()
        for state in bit_numbers(states):
            update, learned_tags = labels.state_info[state]
            for target in bit_numbers(targets):
                score_tags = labels.val_tags[target]
                earlier = labels.learned_earlier(learned_tags, score_tags)
                if earlier and not (
                    update.overlapping and labels.only_by(self.overlapped, learned_tags, score_tags)
                ):
                    continue
                same = labels.shares_pass(learned_tags & score_tags, update.loops)
                for site in sites:
                    if not earlier:
                        self.clashes.add((id(update), id(site)))
                    elif not site.whole:
                        continue
                    out |= labels.conflict(self.intern_conflict(update, site, same))
        return out

    def intern_conflict(self, update: UpdateSite, site: ScoreSite, same: bool) -> Conflict:
        """Return the one conflict record of an update and a score."""
        key = ("conflict", id(update), id(site), same)
        found = self.memo.get(key)
        if found is None:
            found = (0, Value(0, Conflict(update, site, same)))
            self.memo[key] = found
        conflict: Conflict = found[1].obj
        return conflict

    def mixed(self, frame: Frame, node: ast.AST, left: int, right: int) -> int:
        """Return what arises when a score meets a learned state: conflicts, byte mixtures."""
        labels = self.labels
        out = 0
        for scores, other in ((left, right), (right, left)):
            found = scores & labels.scores
            states = other & labels.states & ~scores
            # A sum of two scores is no mixture: each was checked when it was computed.
            if not found or not states or other & labels.scores:
                continue
            if any(labels.state_info[bit][0].byte_keyed for bit in bit_numbers(states & labels.table_states)):
                self.mark(frame, node, lab.BYTE_MIXED)
                out |= lab.BYTE_MIXED
            if self.gated and self.scaled and states & labels.table_states:
                self.mark(frame, node, lab.GATED)
                out |= lab.GATED
            for bit in bit_numbers(states):
                update = labels.state_info[bit][0]
                self.mixed_in[id(update)] = update
            seen = scores & labels.vals
            for bit in bit_numbers(found):
                site = labels.score_info[bit]
                out |= self.conflicts(states, labels.narrowed(site.targets, seen) or site.targets, [site])
        return out

    def counted_under(self, key: int, mask: int) -> int:
        """Return COUNTED for a read of a table's counts under the target that this very pass cuts out."""
        labels = self.labels
        if not (key & lab.TARGET and mask & labels.table_states):
            return 0
        for tags in labels.val_tag_sets(key):
            cut = dict(labels.tag_info[bit] for bit in bit_numbers(tags))
            inner = next((loop for loop in reversed(self.loops) if loop.number in cut), None)
            if inner is not None and cut[inner.number] >= labels.tag_info[inner.tag.bit_length() - 1][1]:
                return lab.COUNTED
        return 0

    def decided(self, value: Value) -> Value:
        """Return what a comparison of scores let through: it is chosen, save for the scores themselves."""
        obj, scores = value.obj, self.labels.scores
        if isinstance(obj, Fixed):
            return Value(value.labels, Fixed([self.decided(item) for item in obj.items]), value.const)
        if isinstance(obj, Container) and obj.is_record:
            for key in obj.keyed:
                entry = self.heap.get((id(obj), ("key", key)))
                if entry is not None and not self.mask(entry) & scores:
                    marked = Value(entry.labels | lab.CHOSEN, entry.obj, entry.const)
                    self.put((id(obj), ("key", key)), marked)
            return value
        return value if self.mask(value) & scores else Value(value.labels | lab.CHOSEN, obj, value.const)

    def is_result(self, mask: int) -> bool:
        """Return whether the loops that made all scores in `mask` are over, and nothing picks one of them."""
        labels = self.labels
        numbers = {loop.number for loop in self.loops}
        for bit in bit_numbers(mask & labels.scores):
            if numbers.issuperset(labels.score_info[bit].loops):
                return False
        running = 0
        for loop in self.loops:
            running |= loop.tag
        return not any(tags & running for tags in labels.val_tag_sets(mask))

    def report(self, frame: Frame, node: ast.AST, mask: int) -> None:
        """Record that a score is turned into bits per byte here."""
        self.reported_scores |= mask & self.labels.scores
        self.reported |= mask
        self.trace.reports.append(Report(self.location(frame, node), mask, self.next_order(), frame.function))

    def mark(self, frame: Frame, node: ast.AST, label: int) -> None:
        """Remember where a fixed label first arose."""
        self.trace.marks.append((label, self.location(frame, node)))

    def function_key(self, function: Function) -> tuple[str, int, int]:
        """Return what identifies a function across readings."""
        layer = function.module.layer
        return layer.path, layer.index, function.node.lineno
