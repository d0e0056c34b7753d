"""What a signal is called and what it is of: lead names of many writers made one, ECG told from what else a recorder stores."""

from __future__ import annotations

import re

from medcore.read.text import clean

STANDARD = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
NAME_LIMIT = 16
_BY_CAPITALS = {name.upper(): name for name in STANDARD} | {"DI": "I", "DII": "II", "DIII": "III"}
_PREFIX = re.compile(r"(?:(?:MDC[_ ])?(?:ECG|EKG|LEAD)[_:\- ]*|ECG(?=I|V|AV))+", re.ASCII)  # "ECG I", "Lead I", "MDC_ECG_LEAD_I"
_SUFFIX = re.compile(r"(?:[_\- ]*(?:LEAD|ECG|EKG)|-REF| \((?:EINTHOVEN|GOLDBERGER|WILSON)\))+$", re.ASCII)

# Leads of Holter, Frank and special electrodes, besides the twelve: the sets of PhysioNet's data bases, ISHNE and EN 1064 (SCP-ECG).
_OTHER_LEADS = re.compile(
    r"(?:M?V[1-9]R?|V[1-9]R|V|ML ?(?:I|II|III)|MV[1-9]|MCL ?[1-9]|MOD\.? ?[A-Z0-9]+|CM[1-6]|CC5|CB|CS[12]|C[1-9]|D[1-4]|V2-V3"
    r"|ES|AS|AI|NASA|[XYZ]|V[XYZ])",
    re.ASCII,
)
_CHANNEL = re.compile(r"(?:ECG|EKG|LEAD|ABDOMEN|SCALP_?ECG)[ _\-#]*\d*(?:ECG)?", re.ASCII)
_KINDS = (  # what a signal's label says it is of, as a DICOM modality where there is one (PS3.3 C.7.3.1.1.1)
    ("EEG", re.compile(r"EEG|^(?:FP[12Z]|F[3478Z]|C[34Z]|P[34Z]|O[12Z]|T[3-8]|FPZ|A[12]|M[12])(?:$|[\-. :])")),
    ("EOG", re.compile(r"EOG|^E[12](?:$|[\-: ])|^(?:ROC|LOC)(?:$|[\-. :])")),
    ("EMG", re.compile(r"EMG|CHIN|TIBIAL|^[LR]?LEG")),
    ("PPG", re.compile(r"PPG|PLETH|SPO2|SAO2|OXIM|PULSE|RED LED|INFRARED")),
    ("HD", re.compile(r"(?:^|[^A-Z])(?:ABP|ART|BP|CVP|PAP|ICP|PRESS|LVP|AOP|CO)(?:$|[^A-Z])")),
    ("RESP", re.compile(r"RESP|THOR|ABDO|AIRFLOW|NASAL|FLOW|CO2|SNOR|IMPED|EFFORT")),
)
_ANNOTATIONS = re.compile(r"(?:EDF|BDF)\+? ANNOTATIONS|STATUS|TRIGGER|EVENT|MARKER", re.ASCII)


def standard(name: str) -> str:
    """The lead's name: one of the twelve as a cardiologist writes it, any other as it came, cut to 16 printable characters."""
    seen = clean(name, 64) or "unnamed"
    bare = _bare(seen)
    found = _BY_CAPITALS.get(bare)
    if found is not None:
        return found
    if _OTHER_LEADS.fullmatch(bare):
        return bare.replace("ML ", "ML")
    return seen[:NAME_LIMIT].rstrip()


def _bare(name: str) -> str:
    """Capitals, without the words around the lead's name: `ECG I`, `Lead I (Einthoven)`, `MDC_ECG_LEAD_aVR`, `I-REF`."""
    capitals = " ".join(name.upper().split())
    bare = _SUFFIX.sub("", _PREFIX.sub("", capitals, count=1) if _PREFIX.match(capitals) else capitals)
    return bare or capitals


def kind(label: str) -> str | None:
    """ECG, or what else a label says it is (EEG, EOG, EMG, PPG, HD, RESP, "" for marks); None where it does not say."""
    capitals = " ".join((clean(label, 64) or "").upper().split())
    if _ANNOTATIONS.match(capitals):
        return ""
    bare = _bare(capitals)
    sure = bare in _BY_CAPITALS or _CHANNEL.fullmatch(capitals) is not None or re.search(r"ECG|EKG", capitals) is not None
    if sure:
        return "ECG"
    for modality, pattern in _KINDS:
        if pattern.search(capitals):
            return modality
    return "ECG" if _OTHER_LEADS.fullmatch(bare) else None
