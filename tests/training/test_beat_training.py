"""What the beat finder is taught: planted beats stand where they are said to stand, and what nobody knows is not taught."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from medcore.tasks.beats import levelled
from medcore.training.annotations import Annotation
from medcore.training.beat_recipe import match, odds
from medcore.training.beat_truth import agreed, named, of_lead, of_record
from medcore.training.beats import Pool, Recipe, Traced, batch, loss, swing, targets
from medcore.training.ectopy import UNKNOWN, Beats, planted
from tests.signals.synth import ecg, r_times
from tests.tasks.long_ecg import long_ecg

RATE = 125.0


def marked(times, kind=0):
    peak = np.asarray(times) * RATE
    return Beats(peak=peak, onset=peak - 5, offset=peak + 6, kind=np.full(len(peak), kind), unclear=np.empty((0, 2)))


def record(seconds=30.0, seed=0):
    times = r_times(75, seconds, seed=seed)
    return Traced(leads=ecg(times, seconds, RATE)[None], beats=marked(times))


@pytest.mark.parametrize("seed", range(40))
def test_planted_beats_stand_where_they_are_said_to(seed):
    one = record(seed=seed)
    before = one.leads[0].copy()
    signal, beats = planted(one.leads[0], one.beats, RATE, np.random.default_rng(seed))
    np.testing.assert_array_equal(one.leads[0], before)
    assert np.isfinite(signal).all()
    assert (np.diff(beats.peak) > 0.2 * RATE).all()
    assert len(beats.peak) == len(beats.onset) == len(beats.offset) == len(beats.kind)
    own = np.median(np.abs(before[one.beats.peak.astype(int)]))
    for at in beats.peak.astype(int):  # there is something as high as a small beat near each, and nothing was left of what was taken away
        assert np.ptp(signal[max(at - 12, 0) : at + 13]) > 0.3 * own
    gone = np.setdiff1d(one.beats.peak, beats.peak)
    for at in gone:
        if np.abs(beats.peak - at).min() > 0.5 * RATE:
            assert np.ptp(signal[int(at) - 3 : int(at) + 4]) < 0.5 * own


def test_ventricular_ones_are_among_them_and_broad():
    widths = []
    for seed in range(30):
        one = record(seed=seed)
        _, beats = planted(one.leads[0], one.beats, RATE, np.random.default_rng(seed))
        v = beats.kind == 1
        widths += ((beats.offset - beats.onset)[v] / RATE).tolist()
    assert len(widths) > 20
    assert min(widths) > 0.11
    assert max(widths) < 0.22


def test_too_few_beats_are_left_as_they_are():
    one = record(2.0)
    few = replace(one.beats, **{name: getattr(one.beats, name)[:2] for name in ("peak", "onset", "offset", "kind")})
    signal, beats = planted(one.leads[0], few, RATE, np.random.default_rng(0))
    np.testing.assert_array_equal(signal, one.leads[0])
    assert beats is few


def test_targets_teach_only_what_is_known():
    nan = np.array([np.nan, 390.0])
    beats = Beats(
        peak=np.array([200.0, 400.0]),
        onset=nan,
        offset=np.array([np.nan, 412.0]),
        kind=np.array([UNKNOWN, 1]),
        unclear=np.array([[600.0, 700.0]]),
    )
    share, share_known, peak, peak_known, kind, kind_known = targets(beats, 800, RATE)
    assert peak[200] == peak[400] == 1
    assert share_known[195:206].max() == 0
    assert share[390:413].min() == 1
    assert share[[389, 413]].max() == 0
    assert share_known[600:700].max() == peak_known[600:700].max() == 0
    assert kind_known[195:206].max() == 0
    assert (kind[400], kind_known[400]) == (1, 1)
    assert peak_known[[0, 200, 400, 799]].min() == 1


def test_a_perfect_answer_costs_less_than_none_and_unknown_samples_cost_nothing():
    wanted = torch.from_numpy(targets(marked([1.0, 2.0]), 512, RATE))[None]
    right = torch.zeros(1, 5, 512)
    right[:, 0], right[:, 1], right[:, 2] = 20 * wanted[:, 0] - 10, 20 * wanted[:, 2] - 10, 10
    assert loss(right, wanted) < loss(torch.zeros(1, 5, 512), wanted)
    unknown = wanted.clone()
    unknown[:, 1::2, 300:] = 0
    wrong = right.clone()
    wrong[:, :, 300:] = 50
    assert loss(wrong, unknown) == pytest.approx(float(loss(right, unknown)), rel=1e-5)


def test_a_batch_is_the_same_for_the_same_draw():
    pools = [Pool(records=[record(seed=1), record(12.0, seed=2)], share=1.0)]
    recipe = Recipe(rate_hz=RATE, samples=1024, batch=6)
    first, again = (batch(pools, recipe, np.random.default_rng(3)) for _ in range(2))
    assert first[0].shape == (6, 1, 1024)
    assert first[1].shape == (6, 6, 1024)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert torch.isfinite(first[0]).all()


def test_annotations_of_a_record_and_of_a_lead():
    symbols = "NL/V+fQ~A|E"
    beats = of_record([Annotation(10 * k, symbol, 0) for k, symbol in enumerate(symbols)], 0.5)
    assert beats.kind.tolist() == [0, 0, 2, 1, 2, 2, 0, 1]
    assert beats.peak.tolist() == [0, 5, 10, 15, 25, 30, 40, 50]
    lead = of_lead([Annotation(s, c, 0) for s, c in ((90, "("), (100, "N"), (115, ")"), (300, "N"), (310, ")"))], 0.5, 400)
    assert lead.peak.tolist() == [50, 150]
    assert lead.onset[0] == 45
    assert np.isnan(lead.onset[1])
    assert lead.offset.tolist() == [57.5, 155]
    assert lead.unclear.tolist() == [[0, 45], [156, 400]]


def test_what_one_detector_sees_alone_is_unclear():
    times = r_times(75, 20)
    lead = ecg(times, 20, RATE)
    at = np.rint(times * RATE).astype(int)
    teacher = np.zeros((2, len(lead)), np.float32)
    for number, k in enumerate(at):
        teacher[1, k - 1 : k + 2] = 0.3 if number == 4 else 0.9
        teacher[0, k - 5 : k + 6] = 0.8
    between = (at[8] + at[9]) // 2
    teacher[1, between] = 0.9
    beats = agreed(lead[None], teacher[1], teacher[0], RATE)
    assert len(beats.peak) == len(at) - 1
    assert not np.isin(at[4] + np.arange(-2, 3), beats.peak).any()
    for k in (at[4], between):
        assert ((beats.unclear[:, 0] < k) & (beats.unclear[:, 1] > k)).any()
    np.testing.assert_allclose(beats.offset - beats.onset, 10.75, atol=1.1)


def test_kinds_by_formula_leave_the_doubtful_unnamed():
    signal, times, ventricular = long_ecg(120, RATE, every=12)
    kind = named(signal[None], marked(times), RATE)
    assert (kind[ventricular] == 1).mean() >= 0.8
    assert (kind[~ventricular] == 0).mean() >= 0.9
    assert not (kind[~ventricular] == 1).any()


def test_pieces_are_levelled_by_what_moves():
    lead = torch.from_numpy(ecg(r_times(75, 30), 30, RATE))[None, None]
    padded = torch.cat([lead, torch.zeros(1, 1, 3 * lead.shape[2])], dim=2)
    torch.testing.assert_close(levelled(padded, RATE)[..., : lead.shape[2]], levelled(lead, RATE), rtol=0.02, atol=0.02)
    assert levelled(torch.zeros(1, 1, 1000), RATE).abs().max() == 0


def test_beats_are_matched_one_to_one():
    pairs = match(np.array([100.0, 200, 300, 400]), np.array([95.0, 196, 205, 299, 350]), 20)
    assert pairs.tolist() == [[0, 0], [1, 1], [2, 3]]


def test_odds_follow_what_tells_the_beats_apart():
    rng = np.random.default_rng(0)
    ventricular = rng.random(400) < 0.1
    features = rng.normal(size=(400, 3))
    features[:, 1] += 4 * ventricular
    weight, bias = odds([(features, ventricular)])
    assert weight[1] > 5 * np.abs(weight[[0, 2]]).max()
    said = features @ weight + bias > 0
    assert (said == ventricular).mean() > 0.95


@pytest.mark.parametrize("seed", range(20))
def test_swings_are_high_and_stay_within_their_stretch(seed):
    wave = swing(2000, RATE, np.random.default_rng(seed))
    moved = np.flatnonzero(wave)
    assert np.isfinite(wave).all()
    assert np.ptp(moved) <= 3.0 * RATE
    assert 0 < np.abs(wave).max() <= 5
