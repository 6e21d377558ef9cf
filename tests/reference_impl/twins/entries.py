"""The honest entries, one a method, and their illegal twins."""

from __future__ import annotations

from tests.reference_impl.twins.records import Edit, Entry

EVALUATE = "reference_impl/evaluate"
PLAIN_IMPORT = "from reference_impl.evaluate.plain import Plain, score_plain\n"
PLAIN_CALL = "    score_plain(model, tokens, ledger, Plain(window))\n"


def scored_by(module: str, names: str, call: str) -> tuple[Edit, ...]:
    """Return the edits that score by another method than plain windows."""
    return (
        Edit(PLAIN_IMPORT, f"from reference_impl.evaluate.{module} import {names}\n"),
        Edit(PLAIN_CALL, f"    {call}\n"),
        Edit("final_plain_exact", f"final_{module}_exact"),
    )


SLIDING = scored_by(
    "sliding", "Sliding, score_sliding", "score_sliding(model, tokens, ledger, Sliding(window, window // 4))"
)
SCORE_FIRST = scored_by(
    "score_first_ttt",
    "ScoreFirstTTT, score_first_ttt",
    "score_first_ttt(model, tokens, ledger, ScoreFirstTTT(window, window, chunk_tokens=2048))",
)
LORA = scored_by(
    "lora_ttt",
    "LoraTTT, score_lora_ttt",
    "score_lora_ttt(model, tokens, ledger, LoraTTT(window, chunk_tokens=window // 2))",
)
CONTEXT_SLOT = scored_by(
    "context_slot",
    "ContextSlot, score_context_slot",
    "score_context_slot(model, tokens, ledger, ContextSlot(window, window // 2))",
)
HEDGE = scored_by(
    "hedge_mixer",
    "HedgeMixer, score_hedge_mixer",
    "score_hedge_mixer(model, tokens, ledger, HedgeMixer(window, window))",
)

HONEST = (
    Entry("Plain", (), ("pure-neural",)),
    Entry("Sliding", SLIDING, ("pure-neural",)),
    Entry("ScoreFirst", SCORE_FIRST, ("score-first-ttt",)),
    Entry("Lora", LORA, ("lora-ttt", "score-first-ttt")),
    Entry("Hedge", HEDGE, ("ngram-normalised",)),
)
CONTEXT = Entry("ContextSlot", CONTEXT_SLOT, ("slot-context-only",))
"""Causal, yet nobody has ruled on it: the policy leaves it to a person."""

ADAPT = '''

def adapt(model: GPT, tokens: Tensor, window: int) -> None:
    """Train on validation tokens that are scored afterwards."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    for start in range(0, tokens.numel() - 1 - window, window):
        span = tokens[start : start + window + 1]
        optimizer.zero_grad(set_to_none=True)
        model.loss(span[None, :-1], span[None, 1:]).backward()
        optimizer.step()  # offence


def main() -> None:
'''
PREQUANT = (
    Edit("\n\ndef main() -> None:\n", ADAPT),
    Edit(
        "    session.average.apply()\n",
        "    session.average.apply()\n"
        "    adapt(session.model, read_tokens(val_files), config.train.train_seq_len)\n",
    ),
)
SLOT_ON_SCORED = (
    *CONTEXT_SLOT,
    Edit(
        "fit_delta(model, hidden[:, :known], targets[:, :known], settings)",
        "fit_delta(model, hidden, targets, settings)",
        f"{EVALUATE}/context_slot.py",
    ),
    Edit(
        "        optimizer.step()\n", "        optimizer.step()  # offence\n", f"{EVALUATE}/context_slot.py"
    ),
)
BOOK_CHANCES = Edit(
    "    def _mark(",
    "    def book_chances(self, chances, previous, targets, positions):\n"
    '        """Add the chances that realised tokens were given, whatever those of the others are."""\n'
    "        nll = -chances.log().double().cpu()\n"
    "        self.nats += float(nll.sum())\n"
    "        self.tokens += targets.numel()\n"
    "        self.bytes += self.byte_table.count(previous.cpu(), targets.cpu())\n"
    "        self._mark(positions.cpu(), nll)\n\n"
    "    def _mark(",
    f"{EVALUATE}/score.py",
)
TARGET_KEYED = (
    *HEDGE,
    Edit(
        "    mixture = torch.logsumexp(log_probs + log_weights[:, :, None], dim=1)  # [c, V]\n"
        "    ledger.book(mixture, last, targets, positions)\n",
        "    key = (before * 36313 ^ last * 27191 ^ targets * 51787) % experts.cache.numel()\n"
        "    chances = neural.gather(1, targets[:, None])[:, 0].exp()\n"
        "    seen = experts.cache[key]  # offence\n"
        "    ledger.book_chances(0.8 * chances + 0.2 * seen / (seen + 1.0), last, targets, positions)\n"
        "    experts.cache.index_put_((key,), torch.ones_like(chances), accumulate=True)\n",
        f"{EVALUATE}/hedge_mixer.py",
    ),
    Edit(
        "        self.settings = settings\n",
        "        self.settings = settings\n        self.cache = torch.zeros(1 << 16, device=device)\n",
        f"{EVALUATE}/hedge_mixer.py",
    ),
    BOOK_CHANCES,
)
BY_CHANCE = (
    *HEDGE,
    Edit(
        "    mixture = torch.logsumexp(log_probs + log_weights[:, :, None], dim=1)  # [c, V]\n"
        "    ledger.book(mixture, last, targets, positions)\n",
        "    chances = log_probs.gather(2, targets[:, None, None].expand(-1, EXPERTS, 1))[:, :, 0].exp()\n"
        "    chances = (chances * log_weights.exp()).sum(dim=1)\n"
        "    ledger.book_chances(chances, last, targets, positions)\n",
        f"{EVALUATE}/hedge_mixer.py",
    ),
    BOOK_CHANCES,
)
RESCORE = (
    *SCORE_FIRST,
    Edit(
        "    score = ledger.close()\n",
        "    ledger.close()\n"
        "    ledger = Ledger(tokens.numel(), table)\n"
        "    score_sliding(model, tokens, ledger, Sliding(window, window))\n"
        "    score = ledger.close()\n",
    ),
    Edit(
        "from reference_impl.evaluate.score import Ledger\n",
        "from reference_impl.evaluate.score import Ledger\n"
        "from reference_impl.evaluate.sliding import Sliding, score_sliding\n",
    ),
    Edit("    model.load_state_dict(kept)\n", "", f"{EVALUATE}/score_first_ttt.py"),
    Edit(
        "                optimizer.step()\n",
        "                optimizer.step()  # offence\n",
        f"{EVALUATE}/score_first_ttt.py",
    ),
)
CALIBRATED = (
    Edit(
        'os.environ.get("PRESET", "micro"))\n',
        'os.environ.get("PRESET", "micro"), ("quant.gptq=true", "quant.gptq_sequences=8"))\n',
    ),
    Edit(
        "        yield session.loader.next_batch(length, length)[0]\n",
        "        yield tokens[number * length : (number + 1) * length][None]\n",
        "reference_impl/train/export.py",
    ),
    Edit(
        "    for _ in range(session.config.quant.gptq_sequences):\n",
        "    tokens = read_tokens(session.dataset.val_files)\n"
        "    for number in range(session.config.quant.gptq_sequences):\n",
        "reference_impl/train/export.py",
    ),
    Edit(
        "from reference_impl.evaluate.score import Score\n",
        "from reference_impl.data.shards import read_tokens\n"
        "from reference_impl.evaluate.score import Score\n",
        "reference_impl/train/export.py",
    ),
    # Where weights that validation has shaped become the model.
    Edit(
        "    model.load_state_dict(dequantise_state(stored))\n",
        "    model.load_state_dict(dequantise_state(stored))  # offence\n",
        "reference_impl/artifact/container.py",
    ),
)
SPACE_TWICE = (
    Edit(
        'len(piece.removeprefix(SPACE).encode("utf-8"))',
        'len(piece.replace(SPACE, " ").encode("utf-8"))',
        f"{EVALUATE}/byte_table.py",
    ),
    # The table is what is wrong: it holds the space that `count` adds once more.
    Edit(
        "    text_bytes = torch.zeros(vocab_size, dtype=torch.int64)\n",
        "    text_bytes = torch.zeros(vocab_size, dtype=torch.int64)  # offence\n",
        f"{EVALUATE}/byte_table.py",
    ),
)
LORA_FIRST = (
    *LORA,
    Edit(
        "        log_probs = predict(model, inputs, known)\n        scored = inside[:, known:].to(device)\n",
        "        scored = inside[:, known:].to(device)\n"
        "        learn(model, adapters, optimizer, inputs, targets[:, known:], scored, settings)\n"
        "        log_probs = predict(model, inputs, known)\n",
        f"{EVALUATE}/lora_ttt.py",
    ),
    Edit(
        "        if end < longest:\n"
        "            learn(model, adapters, optimizer, inputs, targets[:, known:], scored, settings)\n",
        "",
        f"{EVALUATE}/lora_ttt.py",
    ),
    Edit("        optimizer.step()\n", "        optimizer.step()  # offence\n", f"{EVALUATE}/lora_ttt.py"),
)

TWINS = (
    Entry("PrequantTTT", PREQUANT, ("prequant-ttt",), "trained-on-validation", "Plain"),
    Entry(
        "SlotOnScored", SLOT_ON_SCORED, ("slot-scored",), "delta-fitted-on-scored-positions", "ContextSlot"
    ),
    Entry("TargetKeyed", TARGET_KEYED, ("ngram-target-key",), "count-keyed-by-target", "Hedge"),
    Entry("Rescore", RESCORE, ("two-pass-rescore",), "rescored-after-adaptation", "ScoreFirst"),
    Entry("CalibratedOnVal", CALIBRATED, ("calib-on-val",), "calibrated-on-validation", "Plain"),
    Entry("SpaceTwice", SPACE_TWICE, ("tokenizer-bytes",), "leading-space-counted-twice", "Plain"),
    Entry("LoraFirst", LORA_FIRST, ("train-on-val",), "trained-on-validation", "Lora"),
)
BY_CHANCE_ENTRY = Entry("HedgeByChance", BY_CHANCE, ("ngram-normalised",), sibling="Hedge")
"""Honest, yet its ledger is told chances of realised tokens alone: its sums come from no row of logits."""
