"""A run folder is read back without its model, and one of an older version with fewer claims."""

import json

import pytest
import torch
from support.models import assert_equal
from support.reports import BOARDS, mixed_search
from support.runs import DATA, TOKENS, filled, search

from tts import Dataset, FirstHalted, GaussianNoise, MajorityVote, Store, StoreError
from tts.runs import MANIFEST, read
from tts.strategies import GuidedParticles


def test_what_was_run_comes_back(tmp_path):
    made = mixed_search(strategy=GaussianNoise(0.5, ("y",)), stop=FirstHalted())
    labels = made(BOARDS).rollouts.answers[:, 0].long()
    store = Store.open(tmp_path, made, Dataset("boards", BOARDS, answers=labels, ignore=None), shard=4)
    store.fill()
    stored = read(tmp_path)
    assert_equal(stored.result, store.result())
    assert stored.result.select(MajorityVote()).answers.equal(store.result().select(MajorityVote()).answers)
    assert stored.correct[:, 0].all()
    assert stored.correct.equal(store.result().rollouts.correct(labels))
    assert stored.codec == made.model.codec
    assert (stored.codec.verifier is not None, stored.result.exchangeable) == (True, False)
    assert stored.words["strategy"] == "GaussianNoise(sigma=0.5, latents=(y), schedule=Constant())"
    assert (stored.words["rollouts K"], stored.words["stop rule"]) == ("3", "FirstHalted(n=1, threshold=0.0)")


@pytest.mark.parametrize("change", [{}, {"strategy": GuidedParticles(GaussianNoise(0.5))}, {"stop": FirstHalted()}])
def test_the_manifest_says_whether_rollouts_are_exchangeable(tmp_path, change):
    made = search(**change)
    Store.open(tmp_path, made, DATA).fill()
    assert read(tmp_path).result.exchangeable == made.exchangeable == (not change)
    assert read(tmp_path).correct is None


def test_a_run_of_an_older_version_is_continued_and_has_no_curves(tmp_path):
    store = filled(tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    assert manifest.pop("exchangeable") is True
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    again = Store.open(tmp_path, search(), DATA)
    assert (again.digest, again.missing()) == (store.digest, [])
    assert not read(tmp_path).result.exchangeable


def test_shards_come_one_by_one(tmp_path):
    store = filled(tmp_path)
    rows = [range(14)[rows] for rows, _ in store.results()]
    assert [list(part) for part in rows] == [list(range(14))[first : first + 3] for first in range(0, 14, 3)]
    whole = search()(TOKENS)
    for part, (_, result) in zip(rows, store.results(), strict=True):
        assert torch.equal(result.answers, whole.answers[part.start : part.stop])


def test_what_is_not_a_finished_run_is_refused(tmp_path):
    with pytest.raises(StoreError, match="is damaged: restore it"):
        read(tmp_path)
    store = Store.open(tmp_path, search(), DATA, shard=7)
    store.write(0, store.compute(0))
    with pytest.raises(StoreError, match="shard 1 of 2 is missing or damaged; finish the run first"):
        read(tmp_path)
    manifest = (tmp_path / MANIFEST).read_text()
    (tmp_path / MANIFEST).write_text(manifest.replace('"format": 1', '"format": 2'))
    with pytest.raises(StoreError, match="was written in format 2, this is 1"):
        read(tmp_path)
    for damage in ("[]", "{}", manifest.replace('"shard": 7', '"shard": 0'), manifest[:-9]):
        (tmp_path / MANIFEST).write_text(damage)
        with pytest.raises(StoreError, match="is damaged: restore it"):
            read(tmp_path)
