"""Masks: what is narrowed, what was learned earlier, what is told apart."""

from __future__ import annotations

import pytest

from audits.facts.code import labels as lab
from audits.facts.code.events import Learner, Lookup, ScoreSite, UpdateKind, UpdateSite
from audits.facts.code.labels import MANY, Labels, bit_numbers
from audits.location import Location

HERE = Location("train_gpt.py", 1, 1)


def update(learner: Learner = Learner.MODEL) -> UpdateSite:
    return UpdateSite(HERE, UpdateKind.OPTIMISER, learner, 1, "evaluate", ())


@pytest.fixture
def labels() -> Labels:
    return Labels()


def test_bit_numbers_are_in_order() -> None:
    assert list(bit_numbers(0)) == []
    assert list(bit_numbers(1 | 1 << 5 | 1 << 300)) == [0, 5, 300]


def test_labels_are_handed_out_once(labels: Labels) -> None:
    loop = labels.new_loop()
    assert labels.tag(loop, 1) == labels.tag(loop, 1)
    assert labels.tag(loop, 1) != labels.tag(loop, 2)
    assert labels.tag(labels.new_loop(), 1) != labels.tag(loop, 1)
    assert labels.val(0) == labels.val(0)
    site = update()
    assert labels.state(site, 0) == labels.state(site, 0)
    assert labels.state(site, 0) != labels.state(update(), 0)


def test_dynamic_labels_never_touch_the_fixed_ones(labels: Labels) -> None:
    fixed = [value for name, value in vars(lab).items() if name.isupper() and isinstance(value, int)]
    fixed = [value for value in fixed if value & (value - 1) == 0 and value not in (lab.MANY,)]
    for mask in (labels.tag(1, 1), labels.val(0), labels.state(update(), 0), labels.param(object())):
        assert not any(mask & value for value in fixed)


def test_narrow_restricts_tokens_and_keeps_the_rest(labels: Labels) -> None:
    tag, everything = labels.tag(labels.new_loop(), 1), labels.val(0)
    site = update()
    state = labels.state(site, 0)
    out = labels.narrow(everything | state | lab.TRAIN, tag)
    assert out == labels.val(tag) | state | lab.TRAIN | tag
    assert not out & everything


def test_narrow_twice_narrows_to_both(labels: Labels) -> None:
    outer, inner = labels.tag(labels.new_loop(), 1), labels.tag(labels.new_loop(), 1)
    out = labels.narrow(labels.narrow(labels.val(0), outer), inner)
    assert labels.val_tag_sets(out) == [outer | inner]


def test_narrow_without_tokens_or_tags(labels: Labels) -> None:
    tag = labels.tag(labels.new_loop(), 1)
    assert labels.narrow(lab.TRAIN, tag) == lab.TRAIN | tag
    assert labels.narrow(labels.val(0), 0) == labels.val(0)


def test_val_tag_sets_of_few_slices(labels: Labels) -> None:
    tags = [labels.tag(labels.new_loop(), 1) for _ in range(3)]
    mask = lab.TRAIN
    for tag in tags:
        mask |= labels.val(tag)
    assert sorted(labels.val_tag_sets(mask)) == sorted(tags)


def test_val_tag_sets_of_very_many_slices_are_what_they_share(labels: Labels) -> None:
    shared, mask = labels.tag(labels.new_loop(), 1), 0
    for _ in range(MANY + 1):
        mask |= labels.val(shared | labels.tag(labels.new_loop(), 1))
    assert labels.val_tag_sets(mask) == [shared]


def test_learned_earlier(labels: Labels) -> None:
    loop, other = labels.new_loop(), labels.new_loop()
    first, second, before = labels.tag(loop, 1), labels.tag(loop, 2), labels.tag(loop, 1.5)
    assert labels.learned_earlier(first, second)
    assert labels.learned_earlier(before, second), "`i - 1` of the second pass"
    assert not labels.learned_earlier(second, first)
    assert not labels.learned_earlier(first, first)
    assert not labels.learned_earlier(0, first), "tokens that no loop narrows"
    assert not labels.learned_earlier(first, 0)
    assert not labels.learned_earlier(first, labels.tag(other, 2)), "another sweep"


def test_learned_earlier_takes_the_latest_learned_and_the_earliest_scored(labels: Labels) -> None:
    loop = labels.new_loop()
    first, second = labels.tag(loop, 1), labels.tag(loop, 2)
    assert not labels.learned_earlier(first | second, second)
    assert not labels.learned_earlier(first, first | second)


def test_one_loop_that_shows_the_order_is_enough(labels: Labels) -> None:
    outer, inner = labels.new_loop(), labels.new_loop()
    learned = labels.tag(outer, 1) | labels.tag(inner, 2)
    assert labels.learned_earlier(learned, labels.tag(outer, 2) | labels.tag(inner, 1))


def test_shares_pass(labels: Labels) -> None:
    loop = labels.new_loop()
    shard = labels.new_loop()
    assert labels.shares_pass(labels.tag(loop, 1) | labels.tag(shard, 1), (loop,))
    assert not labels.shares_pass(labels.tag(shard, 1), (loop,))
    assert not labels.shares_pass(0, (loop,))


def test_tables_are_states_of_their_own_kind(labels: Labels) -> None:
    model, table = labels.state(update(), 0), labels.state(update(Learner.TABLE), 0)
    assert labels.states & (model | table) == model | table
    assert labels.table_states & (model | table) == table


def test_hash_remembers_what_was_mixed_in(labels: Labels) -> None:
    one, two = object(), object()
    context, target = labels.read(one), labels.read(two)
    assert labels.hashed(0) == lab.HASHED
    plain = labels.hashed(context)
    assert plain & labels.hashed_reads
    assert not plain & lab.TARGET_HASHED
    mixed = labels.hashed(context | target | lab.TARGET)
    assert mixed & lab.TARGET_HASHED
    assert plain & mixed & labels.hashed_reads, "the read of the context is in both"
    assert not labels.hashed(lab.TARGET) & labels.hashed_reads


def test_scores_lookups_and_params_are_told_apart(labels: Labels) -> None:
    key = object()
    site = ScoreSite(HERE, 1, "evaluate", (), key, 0, 0)
    lookup = Lookup(HERE, key, 0, True, False)
    net = object()
    masks = (labels.score(site), labels.lookup(lookup), labels.param(net))
    assert labels.scores == masks[0]
    assert labels.lookups == masks[1]
    assert labels.params == masks[2]
    assert labels.param_info[masks[2].bit_length() - 1] is net
