"""What neurokit2 says of generated beats, for test_hrv.py. Run in an environment of its own, since neurokit2 needs pandas < 3:

python3 -m venv /tmp/nk && /tmp/nk/bin/pip install neurokit2==0.2.13 && /tmp/nk/bin/python tests/signals/make_neurokit.py
"""

import json
import sys
import warnings
from pathlib import Path

import neurokit2

sys.path.insert(0, str(Path(__file__).parent))
from tachogram import peaks

TIME = {"hrv_sdnn": "HRV_SDNN", "hrv_rmssd": "HRV_RMSSD", "hrv_pnn50": "HRV_pNN50"}
POINCARE = {"hrv_sd1": "HRV_SD1", "hrv_sd2": "HRV_SD2"}
FREQUENCY = {"hrv_lf": "HRV_LF", "hrv_hf": "HRV_HF", "hrv_lf_hf": "HRV_LFHF"}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    rows = []
    for seed in range(12):
        seconds = 3700.0 if seed >= 10 else 400.0
        beats = peaks(seed, seconds).astype(int)
        time = neurokit2.hrv_time(beats, sampling_rate=1000).iloc[0]
        shape = neurokit2.hrv_nonlinear(beats, sampling_rate=1000).iloc[0]
        power = neurokit2.hrv_frequency(beats, sampling_rate=1000, interpolation_rate=4, normalize=False).iloc[0]
        row = {"seed": seed, "seconds": seconds}
        for names, said in ((TIME, time), (POINCARE, shape), (FREQUENCY, power)):
            row |= {ours: float(said[theirs]) for ours, theirs in names.items()}
        if seed >= 10:
            row["hrv_sdann"] = float(time["HRV_SDANN5"])
        rows.append(row)
    text = json.dumps({"neurokit2": neurokit2.__version__, "rows": rows}, indent=1)
    (Path(__file__).parent / "neurokit_hrv.json").write_text(text + "\n", encoding="utf-8")
