"""The tiny data is in the challenge's format, and where scripts look for it."""

import numpy as np
import pytest

sentencepiece = pytest.importorskip("sentencepiece", reason="needs the cpu extra")

from containers.inside.data import layout, prose, shards  # noqa: E402

pytestmark = pytest.mark.torch


def read(path):
    header = np.fromfile(path, dtype="<i4", count=256)
    tokens = np.fromfile(path, dtype="<u2", offset=1024)
    assert (header[0], header[1], header[2]) == (20240520, 1, len(tokens))
    return tokens


def test_shards_hold_prose_that_the_tokenizer_reads_back(vocabulary):
    home = vocabulary / "512"
    processor = sentencepiece.SentencePieceProcessor(model_file=str(home / "tokenizer.model"))
    assert processor.vocab_size() == 512
    tokens = read(home / "val.bin")
    assert len(tokens) == 2561
    assert tokens.max() < 512
    assert tokens[0] == processor.bos_id() == 1
    assert (tokens == 1).sum() > 3
    text = processor.decode([int(token) for token in tokens])
    assert text[:200] in "".join(prose.documents(200_000))
    assert len(read(home / "train0.bin")) >= 100_000
    assert all(len(read(home / f"train{index}.bin")) == 20_000 for index in range(1, 8))


def test_byte_counts_are_the_bytes_of_the_text(vocabulary):
    home = vocabulary / "512"
    processor = sentencepiece.SentencePieceProcessor(model_file=str(home / "tokenizer.model"))
    tokens, counts = read(home / "val.bin"), read(home / "val_bytes.bin")
    text = processor.decode([int(token) for token in tokens])
    assert counts.sum() == len(text.encode())
    assert (counts[tokens == shards.BOS] == 0).all()


def test_prose_is_the_same_every_time_and_is_prose():
    one = prose.documents(20_000)
    assert one == prose.documents(20_000)
    assert sum(map(len, one)) >= 20_000
    assert all(len(text) >= prose.MIN_CHARACTERS for text in one)


@pytest.fixture
def place(vocabulary, tmp_path, monkeypatch):
    monkeypatch.setenv("REFEREE_DATA", str(vocabulary))
    made = layout.Layout(tmp_path)
    made.size, made.size_is_known = 512, True
    monkeypatch.chdir(tmp_path)
    return made


def test_the_default_paths_hold_the_vocabulary_of_the_source(place, tmp_path):
    place.size_is_known = False
    place.learn("vocab_size = int(os.environ.get('VOCAB_SIZE', 512))")
    assert read(tmp_path / "data/datasets/fineweb10B_sp512/fineweb_val_000000.bin").size
    assert (tmp_path / "data/tokenizers/fineweb_512_bpe.model").exists()


def test_the_size_of_a_hash_table_is_not_that_of_the_vocabulary(place):
    place.size_is_known = False
    place.size = 1024
    place.learn("config(bigram_vocab_size=10240, vocab_size=512)")
    assert place.size == 512


def test_a_divisor_behind_the_vocabulary_is_not_its_size(place):
    place.size_is_known = False
    place.learn('f"tiny_sp{model.vocab_size}_{text_characters // 1000}k"; hidden = vocab_size * 2048')
    assert place.size == 512


def test_data_is_laid_where_a_script_names_it(place, tmp_path):
    name = "./data/datasets/fineweb10B_sp512_lossless_caps_caseops_v1"
    assert place("DATA_PATH", name) == name
    folder = tmp_path / "data/datasets/fineweb10B_sp512_lossless_caps_caseops_v1"
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        *(f"fineweb_train_{index:06d}.bin" for index in range(8)),
        "fineweb_val_000000.bin",
        "fineweb_val_bytes_000000.bin",
    ]


def test_absolute_paths_are_answered_inside(place, tmp_path):
    path = place("TOKENIZER_PATH", "/workspace/golf/fineweb_512_bpe.model")
    assert path == str(tmp_path / "placed/workspace/golf/fineweb_512_bpe.model")
    assert sentencepiece.SentencePieceProcessor(model_file=path).vocab_size() == 512


def test_what_exists_stays(place, tmp_path):
    (tmp_path / "own.model").write_bytes(b"x")
    assert place("TOKENIZER_PATH", str(tmp_path / "own.model")) == str(tmp_path / "own.model")
    assert (tmp_path / "own.model").read_bytes() == b"x"
