"""Makes assets/demo: synthetic ECGs of known truth, no patient among them, and what is true of them in truth.toml.

Run in a virtual environment of its own, since neurokit2 (0.2.13) wants another pandas: `pip install neurokit2 wfdb`, then
`python benchmarks/make_demo_ecg.py`. The same files come out each time.

Sinus rhythms are neurokit2's ECGSYN (McSharry 2003, doi 10.1109/TBME.2003.808805), run once a lead with the same beats; the rest are sums of
bells about each R peak, as there. A wave's true bounds are where the first lead leaves its line by 10 uV and the last one is back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "demo"
Floats = NDArray[np.float64]
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")  # the leads that are recorded; the others follow from I and II
SEEN_MV = 0.01  # what a wave must differ from its line by
REMARK = "SYNTHETIC: made by benchmarks/make_demo_ecg.py, no patient"

# Bells: (middle and SD in s from the R peak, height in mV in each of EIGHT)
NARROW = (
    (-0.025, 0.008, (-0.06, -0.08, 0.0, 0.0, 0.0, -0.06, -0.10, -0.08)),  # q
    (0.000, 0.011, (0.65, 1.05, 0.22, 0.45, 0.85, 1.45, 1.25, 0.90)),  # R
    (0.028, 0.010, (-0.10, -0.18, -0.90, -1.30, -0.85, -0.45, -0.22, -0.10)),  # S
)
# Left bundle branch block: no q and a broad notched R to the left, rS or QS in V1 to V3
LEFT_BLOCK = (
    (-0.042, 0.010, (0.10, 0.08, 0.12, 0.15, 0.18, 0.15, 0.10, 0.10)),
    (-0.016, 0.014, (0.60, 0.45, -0.75, -1.00, -0.70, 0.20, 0.75, 0.70)),
    (0.012, 0.018, (0.40, 0.20, -0.80, -1.00, -0.65, 0.05, 0.50, 0.50)),
    (0.046, 0.013, (0.60, 0.35, -0.85, -1.15, -0.75, 0.12, 0.80, 0.75)),
)
T_NARROW = (0.20, 0.30, 0.05, 0.40, 0.45, 0.42, 0.34, 0.25)
T_BLOCK = (-0.22, -0.12, 0.40, 0.55, 0.45, 0.10, -0.25, -0.25)  # away from the QRS
P = (0.08, 0.14, 0.05, 0.06, 0.07, 0.08, 0.08, 0.07)
P_SD, T_SD = 0.020, 0.045


# Beats


def sinus(rng: np.random.Generator, bpm: float, seconds: float, start: float = 0.45) -> Floats:
    """Times of R peaks that breathe: RR changes by 3 % at 15 breaths a minute, and a little by itself."""
    times = [start]
    while times[-1] < seconds - 0.5:
        breath = 0.03 * np.sin(2 * np.pi * 0.25 * times[-1])
        times.append(times[-1] + 60 / bpm * (1 + breath + 0.008 * rng.standard_normal()))
    return np.array([at for at in times if at < seconds - 0.45])


def fibrillating(rng: np.random.Generator, bpm: float, start: float, end: float) -> Floats:
    """Times of R peaks at random: each RR for itself, lognormal with an SD of a quarter, no shorter than the AV node lets through."""
    times = [start]
    while times[-1] < end:
        times.append(times[-1] + max(0.34, 60 / bpm * float(np.exp(0.24 * rng.standard_normal() - 0.03))))
    return np.array(times[:-1])


# Waves


def bell(out: Floats, rate: float, at: float, sd: float, heights: Floats) -> None:
    """Adds a bell to (L, N), its height given for each lead."""
    first, last = max(0, int((at - 5 * sd) * rate)), min(out.shape[1], int((at + 5 * sd) * rate) + 2)
    if last > first:
        t = np.arange(first, last) / rate - at
        out[:, first:last] += heights[:, None] * np.exp(-0.5 * (t / sd) ** 2)


def complexes(
    times: Floats, seconds: float, rate: float, leads: tuple[str, ...] = EIGHT, *, qrs: Any = NARROW, t_heights: Any = T_NARROW,
    pr_s: float | None = 0.16, rng: np.random.Generator,
) -> Floats:  # fmt: skip
    """(L, N) mV of beats; `pr_s` from onset to onset, None without P waves. Breathing changes the height of QRS by 4 %."""
    out = np.zeros((len(leads), round(seconds * rate)))
    own = [EIGHT.index(lead) for lead in leads]
    (onset, offset), (p_onset, _) = bounds(qrs), bounds(((0.0, P_SD, P),))
    rr = np.diff(times, append=times[-1] + np.median(np.diff(times)))
    for beat, before in zip(times, np.r_[np.median(rr), rr[:-1]], strict=True):
        tall = 1 + 0.04 * np.sin(2 * np.pi * 0.25 * beat) + 0.015 * rng.standard_normal()
        for middle, sd, heights in qrs:
            bell(out, rate, beat + middle, sd, tall * np.array(heights)[own])
        if pr_s is not None:
            bell(out, rate, beat + onset - pr_s - p_onset, P_SD, np.array(P)[own])
        slow = min(max(float(before), 0.4), 1.2) ** 0.5  # QT follows the RR before it
        peak, height = beat + offset + 0.245 * slow - 0.02, np.array(t_heights)[own]
        bell(out, rate, peak - 0.03 * slow, 1.25 * T_SD * slow, 0.45 * height)  # slower up than down
        bell(out, rate, peak, 0.85 * T_SD * slow, 0.65 * height)
    return out


def bounds(bells: Any) -> tuple[float, float]:
    """Onset and offset of a wave in s from the R peak: where any lead differs from its line by SEEN_MV."""
    t = np.arange(-0.4, 0.4, 0.0005)
    wave = sum(np.array(heights)[:, None] * np.exp(-0.5 * ((t - middle) / sd) ** 2) for middle, sd, heights in bells)
    seen = t[np.abs(np.asarray(wave)).max(axis=0) >= SEEN_MV]
    return float(seen[0]), float(seen[-1])


def pink(rng: np.random.Generator, count: int, slope: float) -> Floats:
    """(N,) noise whose power falls with frequency to the power of `slope`, SD 1."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum[1:] *= np.arange(1, len(spectrum)) ** (-slope / 2)
    spectrum[0] = 0
    x = np.fft.irfft(spectrum, count)
    out: Floats = x / x.std()
    return out


def worn(signal: Floats, rate: float, rng: np.random.Generator, wander: float = 0.04, muscle: float = 0.008) -> Floats:
    """(L, N) as electrodes bring it: baseline that breathes and drifts, muscle, a trace of mains (mV)."""
    t = np.arange(signal.shape[1]) / rate
    out = signal.copy()
    for lead in out:
        lead += wander * (0.6 * np.sin(2 * np.pi * 0.25 * t + rng.uniform(0, 6)) + 0.7 * pink(rng, t.size, 2.2))
        lead += muscle * pink(rng, t.size, 0.6) + 0.002 * np.sin(2 * np.pi * 50 * t + rng.uniform(0, 6))
    return out


def f_waves(seconds: float, rate: float, rng: np.random.Generator, height: float = 0.07) -> Floats:
    """(N,) fibrillating atria: 5 to 8 Hz, whose frequency and height drift, with two overtones."""
    count = round(seconds * rate)
    hz = np.clip(6.4 + 0.5 * pink(rng, count, 1.6), 5, 8)
    phase = 2 * np.pi * np.cumsum(hz) / rate
    shape = np.sin(phase) + 0.35 * np.sin(2 * phase + 0.6) + 0.12 * np.sin(3 * phase + 1.1)
    out: Floats = height * (1 + 0.3 * pink(rng, count, 1.8)) * shape
    return out


def twelve(eight: Floats) -> Floats:
    """(8, N) -> (12, N) by Einthoven and Goldberger."""
    one, two = eight[0], eight[1]
    return np.stack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2, *eight[2:]])


# Files


def wfdb_record(name: str, signal: Floats, rate: int, leads: tuple[str, ...], comments: list[str], fmt: str = "16") -> None:
    """NAME.hea and NAME.dat, by the wfdb package."""
    import wfdb

    count = len(leads)
    gain = {"16": 1000.0, "212": 200.0}[fmt]
    wfdb.wrsamp(
        name, fs=rate, units=["mV"] * count, sig_name=list(leads), p_signal=np.round(signal.T * gain) / gain, fmt=[fmt] * count,
        adc_gain=[gain] * count, baseline=[0] * count, comments=[REMARK, *comments], write_dir=str(FOLDER),
    )  # fmt: skip


def edf_file(name: str, signal: Floats, rate: int, leads: tuple[str, ...], patient: str) -> None:
    """NAME.edf, EDF+ in records of a second, 0.1 uV a step (Kemp 2003, doi 10.1016/S1388-2457(03)00123-8)."""
    seconds, count = signal.shape[1] // rate, len(leads) + 1
    stored = np.clip(np.rint(signal[:, : seconds * rate] * 10_000), -32767, 32767).astype("<i2").reshape(len(leads), seconds, rate)

    def row(texts: list[str], width: int) -> bytes:
        return "".join(text.ljust(width)[:width] for text in texts).encode("ascii")

    head = row(["0"], 8) + row([patient, "Startdate 01-JAN-2026 X X Medcore_demo"], 80)
    head += row(["01.01.26", "10.00.00", str(256 * (count + 1))], 8) + row(["EDF+C"], 44) + row([str(seconds), "1"], 8)
    head += row([str(count)], 4) + row([*leads, "EDF Annotations"], 16) + row([""] * count, 80)
    head += row([*["uV"] * len(leads), ""], 8) + row([*["-3276.7"] * len(leads), "-1"], 8) + row([*["3276.7"] * len(leads), "1"], 8)
    head += row([*["-32767"] * len(leads), "-32768"], 8) + row([*["32767"] * len(leads), "32767"], 8) + row([""] * count, 80)
    head += row([*[str(rate)] * len(leads), "16"], 8) + row([""] * count, 32)
    body = b"".join(stored[:, k].tobytes() + f"+{k}\x14\x14".encode().ljust(32, b"\0") for k in range(seconds))
    (FOLDER / f"{name}.edf").write_bytes(head + body)


# Cases: each writes its files and returns what is true of them


def simulated(name: str, bpm: int, seed: int) -> dict[str, Any]:
    """Twelve leads of neurokit2's simulator at 500 Hz, 10 s; I, II and V1 to V6 are simulated, in mV about their own resting line.

    ECGSYN stretches all waves with RR and its QRS is 130 ms wide; here P and QRS keep their time, and T follows the root of RR.
    """
    import neurokit2

    fast = bpm / 60  # angles are of ECGSYN at 60 bpm; its own scaling of them with the rate is undone for all but T
    angles = np.array((-57.0 * fast**0.75, -9.0 * fast**0.5, 0.0, 10.0 * fast**0.5, 97.0 * fast**0.25))
    widths = np.array((0.126 * fast**0.5, 0.050 * fast**0.5, 0.069 * fast**0.5, 0.063 * fast**0.5, 0.27))
    leads = []
    for lead in range(len(EIGHT)):
        heights = np.array((P[lead], *(bell[2][lead] for bell in NARROW), T_NARROW[lead]))
        x = neurokit2.ecg_simulate(
            duration=12, sampling_rate=500, heart_rate=bpm, heart_rate_std=1, noise=0, method="ecgsyn", random_state=seed,
            ti=angles, bi=widths, ai=0.3 * heights / widths**2,
        )  # fmt: skip
        x = np.asarray(x)[500:5500]  # the first beat starts in the middle of a wave
        histogram, edges = np.histogram(x, 200)
        usual = np.median(np.ptp(x.reshape(5, 1000), axis=1))  # its integrator may jump in a beat
        leads.append((x - edges[int(histogram.argmax())]) / usual * np.ptp([0, *heights]))
    signal = worn(twelve(np.stack(leads)), 500, np.random.default_rng(seed), wander=0.03)
    wfdb_record(
        name, signal, 500, LEADS, [f"neurokit2 {neurokit2.__version__} ecg_simulate, ECGSYN, heart_rate={bpm}", "age: 58", "sex: F"]
    )
    return {"heart_rate": bpm}


def blocked(name: str, patient: str, bpm: float, pr_s: float, qrs: Any, t_heights: Any, seed: int) -> dict[str, Any]:
    """Twelve leads of bells, 500 Hz, 10 s."""
    rng = np.random.default_rng(seed)
    times = sinus(rng, bpm, 10.0)
    eight = complexes(times, 10.0, 500, qrs=qrs, t_heights=t_heights, pr_s=pr_s, rng=rng)
    edf_file(name, worn(twelve(eight), 500, rng), 500, LEADS, patient)
    onset, offset = bounds(qrs)
    return {"heart_rate": rate_of(times), "pr_interval": round(1000 * pr_s), "qrs_duration": round(1000 * (offset - onset))}


def rate_of(times: Floats) -> float:
    """Beats a minute."""
    return round(60 / float(np.diff(times).mean()), 1)


def fibrillation() -> dict[str, Any]:
    """Lead I of a hand-held recorder, 300 Hz, 30 s."""
    rng = np.random.default_rng(11)
    times = fibrillating(rng, 98, 0.4, 29.6)
    signal = complexes(times, 30.0, 300, ("I",), pr_s=None, rng=rng) + f_waves(30.0, 300, rng, 0.045)
    edf_file("af", worn(signal, 300, rng, muscle=0.012), 300, ("I",), "SYN-AF M 01-JAN-1955 SYNTHETIC_AF")
    return {"heart_rate": rate_of(times)}


def ventricular() -> dict[str, Any]:
    """Leads II and V5 of a monitor, 250 Hz, 30 s: sinus rhythm, ventricular tachycardia from the ninth second, fibrillation from the 19th."""
    rng, rate = np.random.default_rng(21), 250
    count = 30 * rate
    t = np.arange(count) / rate
    x = complexes(sinus(rng, 84, 8.2), 30.0, rate, ("II", "V5"), rng=rng)
    phase = 2 * np.pi * np.cumsum(188 / 60 * (1 + 0.01 * pink(rng, count, 1.5))) / rate
    for lead, (height, shift) in enumerate(((1.0, 0.0), (-0.8, 0.5))):
        wide = np.sin(phase + shift) + 0.25 * np.sin(2 * phase + 0.7 + shift) + 0.08 * np.sin(3 * phase)
        x[lead] += height * wide * np.clip((t - 8.3) / 0.15, 0, 1) * np.clip((18.2 - t) / 0.4, 0, 1)
        for share in (1.0, 0.45, 0.3):
            hz = np.clip(5.2 + rng.normal(0, 0.4) + 0.35 * pink(rng, count, 2), 3.5, 7)
            drift = share * (1 + 0.4 * pink(rng, count, 2)) * np.sin(2 * np.pi * np.cumsum(hz) / rate + rng.uniform(0, 6))
            x[lead] += 0.38 * drift * np.clip((t - 18.0) / 0.5, 0, 1)
    edf_file("vt", worn(x, rate, rng), rate, ("II", "V5"), "SYN-VT M 01-JAN-1949 SYNTHETIC_VT")
    return {"alarm": "ventricular", "gate": "ventricular"}


def brain() -> dict[str, Any]:
    """An EEG with bursts of alpha, 256 Hz, 30 s, on a channel that the file calls ECG."""
    rng, rate = np.random.default_rng(31), 256
    count = 30 * rate
    alpha = np.clip(pink(rng, count, 1.8), 0, None) * np.sin(2 * np.pi * 10.1 * np.arange(count) / rate + pink(rng, count, 2))
    x = 0.02 * (pink(rng, count, 1.2) + 1.5 * alpha)
    edf_file("eeg", x[None], rate, ("ECG",), "SYN-EEG F 01-JAN-1980 SYNTHETIC_EEG")
    return {"gate": "not_ecg"}


# One hour

AF_MINUTES = range(30, 36)
PAUSES = {14: 3.3, 49: 3.6}  # minute: seconds
ECTOPIC = {3: 2, 8: 4, 17: 8, 24: 3, 41: 5, 44: 1, 55: 7}  # minute: ventricular beats
BROAD = ((-0.02, 0.028, 0.75), (0.03, 0.032, 1.05), (0.115, 0.03, -0.3), (0.31, 0.06, -0.45))
_MINUTE = 60.0


def hour_of_beats(rng: np.random.Generator) -> tuple[Floats, NDArray[np.bool_], list[tuple[float, float]]]:
    """Times of R peaks, which are ventricular, and the pauses (start, length)."""
    times, early, pauses = [0.5], [False], []
    left = dict(ECTOPIC)
    since = 0
    while times[-1] < 3600 - 1.5:
        at, minute = times[-1], int(times[-1] // _MINUTE)
        if minute in AF_MINUTES:
            times += [*fibrillating(rng, 108, at + 0.6, _MINUTE * AF_MINUTES.stop - 0.4), _MINUTE * AF_MINUTES.stop + 0.2]
            early += [False] * (len(times) - len(early))
            continue
        usual = 60 / (69 + 7 * np.sin(2 * np.pi * at / 2400)) * (1 + 0.03 * np.sin(2 * np.pi * 0.24 * at) + 0.01 * rng.standard_normal())
        since += 1
        inside = 8 < at % _MINUTE < 54
        if minute in PAUSES and inside and minute not in {int(start // _MINUTE) for start, _ in pauses} and at % _MINUTE > 20:
            pauses.append((at, PAUSES[minute]))
            usual = PAUSES[minute]
        elif left.get(minute, 0) and inside and since >= 5:
            left[minute] -= 1
            since = 0
            times += [at + 0.6 * usual, at + 2.0 * usual]  # early, and the next beat when it was due
            early += [True, False]
            continue
        times.append(at + usual)
        early.append(False)
    return np.array(times), np.array(early), pauses


def holter() -> dict[str, Any]:
    """One lead, 128 Hz, one hour: sinus rhythm with ventricular beats, two pauses, six minutes of fibrillation."""
    rng, rate, seconds = np.random.default_rng(41), 128, 3600.0
    times, early, pauses = hour_of_beats(rng)
    af = np.isin(times // _MINUTE, AF_MINUTES)
    signal = np.zeros((1, round(seconds * rate)))
    for own, pr_s in ((~early & ~af, 0.16), (~early & af, None)):
        signal += complexes(times[own], seconds, rate, ("II",), pr_s=pr_s, rng=rng)
    for beat in times[early]:
        for middle, sd, height in BROAD:
            bell(signal, rate, beat + middle, sd, np.array([height]))
    first, last = (round(edge * _MINUTE * rate) for edge in (AF_MINUTES.start, AF_MINUTES.stop))
    signal[0, first:last] += f_waves((last - first) / rate, rate, rng, 0.06)
    wfdb_record("holter", worn(signal, rate, rng, wander=0.08, muscle=0.015), rate, ("MLII",), ["age: 67", "sex: M"], fmt="212")
    minutes = np.arange(60)
    beats = np.diff(times)
    place = (times[1:] // _MINUTE).astype(int)
    return {
        "rate": [round(60 / float(beats[place == minute].mean()), 1) for minute in minutes],
        "ventricular": [int((times[early] // _MINUTE == minute).sum()) for minute in minutes],
        "af": [int(minute in AF_MINUTES) for minute in minutes],
        "pauses": [[round(float(start), 2), length] for start, length in pauses],
        "beats": len(times),
    }


def main() -> None:
    """Every file, and truth.toml."""
    FOLDER.mkdir(exist_ok=True)
    truth = {
        "ecg_normal": simulated("normal", 72, 1),
        "ecg_bradycardia": simulated("bradycardia", 44, 2),
        "ecg_tachycardia": simulated("tachycardia", 118, 3),
        "ecg_af": fibrillation(),
        "ecg_avblock": blocked("avblock", "SYN-AVB F 01-JAN-1951 SYNTHETIC_AVBLOCK", 66, 0.26, NARROW, T_NARROW, 5),
        "ecg_hidden": blocked("hidden", "SYN-PR M 01-JAN-1958 SYNTHETIC_HIDDEN_P", 98, 0.30, NARROW, T_NARROW, 66),
        "ecg_lbbb": blocked("lbbb", "SYN-LBBB M 01-JAN-1948 SYNTHETIC_LBBB", 74, 0.17, LEFT_BLOCK, T_BLOCK, 6),
        "ecg_vt": ventricular(),
        "ecg_eeg": brain(),
        "ecg_holter": holter(),
    }
    lines = ["# What is true of each synthetic ECG, written with it by benchmarks/make_demo_ecg.py: bpm, ms, s, a number a minute."]
    for name, facts in truth.items():
        lines += ["", f"[{name}]", *(f"{key} = {value!r}".replace("'", '"') for key, value in facts.items())]
    (FOLDER / "truth.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
