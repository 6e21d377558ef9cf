"""Bytes are counted by the challenge's rule, checked by hand and against the text itself."""

from __future__ import annotations

import lzma
import math
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")
spm = pytest.importorskip("sentencepiece", reason="needs the cpu extra")

from reference_impl.evaluate.byte_table import read_byte_table  # noqa: E402
from reference_impl.evaluate.score import Ledger  # noqa: E402

pytestmark = pytest.mark.torch

DATA = Path(__file__).parents[3] / "examples" / "data"
TOKENIZER = DATA / "cpu_tiny_1024_bpe.model"


@pytest.fixture(scope="module")
def pieces() -> spm.SentencePieceProcessor:
    return spm.SentencePieceProcessor(model_file=str(TOKENIZER))


def test_pieces_count_as_the_rule_says(pieces: spm.SentencePieceProcessor) -> None:
    table = read_byte_table(TOKENIZER, 1024)
    for token in range(1024):
        piece = pieces.id_to_piece(token)
        if pieces.is_control(token) or pieces.is_unknown(token):
            assert (int(table.text_bytes[token]), bool(table.no_text[token])) == (0, True)
        elif pieces.is_byte(token):
            assert (int(table.text_bytes[token]), bool(table.leading_space[token])) == (1, False)
        else:
            spaced = piece[0] == "\u2581"
            assert bool(table.leading_space[token]) == spaced
            assert int(table.text_bytes[token]) == len(piece.encode()) - 3 * spaced


def test_counted_bytes_are_the_bytes_of_the_text(pieces: spm.SentencePieceProcessor) -> None:
    text = lzma.decompress((DATA / "validation.txt.xz").read_bytes()).decode()
    lines = [line for line in text.splitlines() if line.strip()][:400]
    stream, size = [], 0
    for line in lines:
        ids = pieces.encode(line)
        stream += [pieces.bos_id(), *ids]
        # What the tokenizer keeps of a line; its normaliser may have changed the line.
        size += len(pieces.decode(ids).encode())
    tokens = torch.tensor(stream)
    assert read_byte_table(TOKENIZER, 1024).count(tokens[:-1], tokens[1:]) == size


def test_the_first_word_of_a_document_has_no_space_before_it(pieces: spm.SentencePieceProcessor) -> None:
    table = read_byte_table(TOKENIZER, 1024)
    the = pieces.piece_to_id("\u2581the")
    bos = pieces.bos_id()
    assert table.count(torch.tensor([bos]), torch.tensor([the])) == 3
    assert table.count(torch.tensor([the]), torch.tensor([the])) == 4
    assert table.count(torch.tensor([the]), torch.tensor([bos])) == 0


def test_bits_per_byte_of_an_example_counted_by_hand(pieces: spm.SentencePieceProcessor) -> None:
    """BOS, "the", " the", BOS: 3 + 4 + 0 bytes; chances of 1/2, 1/4 and 1/8 cost 1 + 2 + 3 bits: 6/7."""
    the, bos = pieces.piece_to_id("\u2581the"), pieces.bos_id()
    tokens = torch.tensor([bos, the, the, bos])
    log_probs = torch.full((3, 1024), -math.inf)
    for row, (target, chance) in enumerate(((the, 0.5), (the, 0.25), (bos, 0.125))):
        log_probs[row, target] = math.log(chance)
        log_probs[row, 100] = math.log(1.0 - chance)
    ledger = Ledger(4, read_byte_table(TOKENIZER, 1024), keep_nll=True)
    ledger.book(log_probs, tokens[:-1], tokens[1:], torch.arange(3))
    score = ledger.close()
    assert score.bytes == 7
    assert score.val_bpb == pytest.approx(6 / 7, abs=1e-7)
    assert score.val_loss == pytest.approx(2 * math.log(2.0), abs=1e-7)
    assert score.nll.tolist() == pytest.approx([math.log(2), math.log(4), math.log(8)], abs=1e-7)


def test_logits_without_a_piece_stand_for_no_text() -> None:
    table = read_byte_table(TOKENIZER.read_bytes(), 1030)
    assert table.no_text[1024:].all()
    assert not table.text_bytes[1024:].any()


def test_a_tokenizer_with_more_pieces_than_logits_is_refused() -> None:
    with pytest.raises(ValueError, match="1024 pieces, the model predicts 1000"):
        read_byte_table(TOKENIZER, 1000)
