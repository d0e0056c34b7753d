"""Vendors' ECG files for the tests, encoded here from the specifications, so that they may be wrong in any way."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
SECRET = "Geheim"  # the family name in every header; must stand in no message
Counts = NDArray[np.int64]


def counts(leads: int = 8, samples: int = 2000, rate: float = 500.0, seed: int = 1) -> Counts:
    """Beats of a plain shape with some noise, whole numbers of a few microvolts."""
    random = np.random.default_rng(seed)
    time = np.arange(samples) / rate
    beat = sum(
        height * np.exp(-0.5 * (((time % 0.8) - at) / width) ** 2)
        for height, at, width in ((30, 0.2, 0.02), (-20, 0.335, 0.008), (250, 0.35, 0.01), (-60, 0.37, 0.01), (60, 0.6, 0.05))
    )
    weights = random.uniform(-1.2, 1.2, (leads, 1))
    return np.round(weights * beat + random.normal(0, 2, (leads, samples))).astype(np.int64)


def standard_twelve(eight: NDArray[np.float64]) -> NDArray[np.float64]:
    """All twelve of I, II and V1 to V6, worked out independently of the reader."""
    one, two = eight[0], eight[1]
    return np.stack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2, *eight[2:]])


# GE MUSE


def _muse_lead(name: str, values: Counts, extra: Mapping[str, object]) -> str:
    fields: dict[str, object] = {
        "LeadByteCountTotal": 2 * values.size, "LeadTimeOffset": 0, "LeadSampleCountTotal": values.size, "LeadAmplitudeUnitsPerBit": 4.88,
        "LeadAmplitudeUnits": "MICROVOLTS", "LeadID": name, "LeadOff": "FALSE", "LeadSampleSize": 2, "LeadDataCRC32": 1,
        "WaveFormData": base64.encodebytes(values.astype("<i2").tobytes()).decode(),
    } | dict(extra)  # fmt: skip
    return "<LeadData>" + "".join(f"<{tag}>{value}</{tag}>" for tag, value in fields.items() if value is not None) + "</LeadData>"


def muse(
    values: Counts, leads: Sequence[str] = EIGHT, *, base: object = 500, exponent: object = 0, lead: Mapping[str, object] | None = None,
    head: str = '<!DOCTYPE RestingECG SYSTEM "restecg.dtd">', kinds: Sequence[str] = ("Median", "Rhythm"), encoding: str = "ISO-8859-1",
    test: str = "<AcquisitionTime>09:08:07</AcquisitionTime><AcquisitionDate>03-31-2021</AcquisitionDate>",
) -> bytes:  # fmt: skip
    """A file as a MAC cart exports it, the median beats first."""
    waves = ""
    for kind in kinds:
        part = values if kind != "Median" else values[:, :600] // 3
        data = "".join(_muse_lead(name, row, lead or {}) for name, row in zip(leads, part, strict=True))
        waves += (
            f"<Waveform><WaveformType>{kind}</WaveformType><WaveformStartTime>0</WaveformStartTime><SampleType>CONTINUOUS_SAMPLES</SampleType>"
            f"<SampleBase>{base}</SampleBase><SampleExponent>{exponent}</SampleExponent><HighPassFilter>16</HighPassFilter>"
            f"<LowPassFilter>150</LowPassFilter><ACFilter>50</ACFilter>{data}</Waveform>"
        )
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n{head}\n<RestingECG><MuseInfo><MuseVersion>9.0.7</MuseVersion></MuseInfo>'
        f"<PatientDemographics><PatientID>P-17</PatientID><PatientAge>56</PatientAge><AgeUnits>YEARS</AgeUnits><DateofBirth>07-04-1964"
        f"</DateofBirth><Gender>FEMALE</Gender><PatientLastName>{SECRET}ü</PatientLastName><PatientFirstName>Ada</PatientFirstName>"
        f"</PatientDemographics><TestDemographics><AcquisitionDevice>MAC55</AcquisitionDevice>{test}</TestDemographics>"
        f"{waves}</RestingECG>"
    )
    return text.encode(encoding)


# Philips Sierra


def lzw(data: bytes, bits: int = 10) -> bytes:
    """LZW of fixed width, the table filled up to 2^bits - 2 and kept."""
    last = (1 << bits) - 2
    table = {bytes([value]): value for value in range(256)}
    out, word = [], b""
    for value in data:
        longer = word + bytes([value])
        if longer in table:
            word = longer
            continue
        out.append(table[word])
        if len(table) <= last:
            table[longer] = len(table)
        word = bytes([value])
    stream = "".join(f"{code:0{bits}b}" for code in [*out, *([table[word]] if word else [])])
    stream += "0" * (-len(stream) % 8)
    return int(stream, 2).to_bytes(len(stream) // 8, "big")


def xli(values: Counts) -> bytes:
    """One lead: size, start code and first bend, then the words' high bytes and low bytes."""
    bends = -(values[2:] - 2 * values[1:-1] + values[:-2])
    words = np.concatenate((values[:2], bends[1:] + 64, [64])).astype(">i2")
    raw = words.view(np.uint8).reshape(-1, 2)
    packed = lzw(raw[:, 0].tobytes() + raw[:, 1].tobytes())
    return struct.pack("<ihh", len(packed), 1, int(bends[0])) + packed


def sierra_residuals(values: Counts) -> Counts:
    """Twelve leads with III to aVF as what is left after their calculation from I and II."""
    out = values.copy()
    one, two, three = values[0], values[1], values[2]
    out[2] = two - one - three
    out[3] = -((one + two) // 2) - values[3]
    out[4] = (one - three) // 2 - values[4]
    out[5] = (two + three) // 2 - values[5]
    return out


def sierra(
    values: Counts, leads: Sequence[str] = TWELVE, *, version: str = "1.03", kind: str = "SierraECG", rate: object = 500,
    duration: object = None, encoding: str = "Base64", compressed: bool = True, resolution: object = 5, content: str | None = None,
    codec: str = "utf-8",
) -> bytes:  # fmt: skip
    """A file of PageWriter or HeartStart; 1.04 names its leads beside the data."""
    if content is None and compressed:
        content = base64.encodebytes(b"".join(map(xli, sierra_residuals(values) if tuple(leads) == TWELVE else values))).decode()
    elif content is None and encoding == "Base64":
        content = base64.encodebytes(values.astype("<i2").tobytes()).decode()
    elif content is None:
        content = " ".join(map(str, values.ravel()))
    how = 'compressflag="True" compressmethod="XLI"' if compressed else 'compressflag="False"'
    duration = values.shape[1] * 2 if duration is None else duration
    if version == "1.03":
        traits = f"<signalresolution>{resolution}</signalresolution>" if resolution is not None else ""
        named = ""
    else:
        traits, named = "", f'numberofleads="{len(leads)}" leadlabels="{" ".join(leads)}" hipass="0.15" lowpass="100" '
        named += f'resolution="{resolution}"' if resolution is not None else ""
    text = (
        f'<?xml version="1.0" encoding="{codec.upper()}"?>\n<restingecgdata xmlns="http://www3.medical.philips.com"><documentinfo>'
        f"<documenttype>{kind}</documenttype><documentversion>{version}</documentversion></documentinfo><reportinfo><reportbandwidth>"
        f"<highpassfiltersetting>0.05</highpassfiltersetting><lowpassfiltersetting>150</lowpassfiltersetting></reportbandwidth></reportinfo>"
        f'<dataacquisition date="2021-03-31" time="09:08:07"><machine>TC70</machine><signalcharacteristics>'
        f"<samplingrate>{rate}</samplingrate>{traits}<acquisitiontype>STD-12</acquisitiontype><numberchannelsallocated>{len(leads)}</numberchannelsallocated>"
        f"</signalcharacteristics></dataacquisition><patient><generalpatientdata><patientid>P-17</patientid><name>"
        f"<lastname>{SECRET}</lastname><firstname>Ada</firstname></name><age><dateofbirth>1964-07-04</dateofbirth><years>56</years></age><sex>Female</sex>"
        f'</generalpatientdata></patient><waveforms><parsedwaveforms {how} {named} dataencoding="{encoding}" '
        f'durationperchannel="{duration}">{content}</parsedwaveforms></waveforms></restingecgdata>'
    )
    return text.encode(codec)


# HL7 aECG


def aecg_set(
    values: Counts, leads: Sequence[str], *, head: str = 'value="20210331090807.000"', glist: str = "GLIST_TS", step: str = "0.002",
    unit: str = "s", scale: str = "2.5", scale_unit: str = "uV", origin: str = "0", digits: str | None = None,
) -> str:  # fmt: skip
    """One sequence set: the time base and the leads."""
    out = (
        f'<component><sequenceSet><component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="{glist}"><head {head}/>'
        f'<increment value="{step}" unit="{unit}"/></value></sequence></component>'
    )
    for name, row in zip(leads, values, strict=True):
        text = " ".join(map(str, row)) if digits is None else digits
        out += (
            f'<component><sequence><code code="MDC_ECG_LEAD_{name.upper()}" codeSystem="2.16.840.1.113883.6.24"/>'
            f'<value xsi:type="SLIST_PQ"><origin value="{origin}" unit="uV"/><scale value="{scale}" unit="{scale_unit}"/>'
            f"<digits>{text}</digits></value></sequence></component>"
        )
    return out + "</sequenceSet></component>"


def aecg(*sets: str, code: str = "RHYTHM", head: str = "") -> bytes:
    """An annotated ECG with one rhythm series and a representative beat, derived and beside it."""
    beat = aecg_set(np.full((1, 300), 7), ("I",))
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f'<id root="61d1a24f-b47e-41aa-ae95-f8ac302f4eeb"/><effectiveTime><low value="20210331090807.000"/></effectiveTime><componentOf>'
        f"<timepointEvent><componentOf><subjectAssignment><subject><trialSubject><id extension='P-17'/><subjectDemographicPerson><name>"
        f"<family>{SECRET}</family><given>Ada</given></name><administrativeGenderCode code='F'/><birthTime value='19640704'/>"
        f"</subjectDemographicPerson></trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf>"
        f"<component><series><code code='REPRESENTATIVE_BEAT'/>{beat}</series></component>"
        f"<component><series><code code='{code}'/><author><seriesAuthor><manufacturedSeriesDevice><manufacturerModelName>X12"
        f"</manufacturerModelName></manufacturedSeriesDevice><manufacturerOrganization><name>Acme</name></manufacturerOrganization>"
        f"</seriesAuthor></author>{_aecg_filter('LOW_PASS', 150)}{_aecg_filter('HIGH_PASS', 0.05)}{''.join(sets)}"
        f"<derivation><derivedSeries><code code='REPRESENTATIVE_BEAT'/>{beat}</derivedSeries></derivation></series></component>"
        f"</AnnotatedECG>"
    )
    return text.encode()


def _aecg_filter(kind: str, frequency: float) -> str:
    code = f"MDC_ECG_CTL_VBL_ATTR_FILTER_{kind}"
    return (
        f"<controlVariable><controlVariable><code code='{code}'/><component><controlVariable><code code='{code}_CUTOFF'/>"
        f"<value value='{frequency}' unit='Hz'/></controlVariable></component></controlVariable></controlVariable>"
    )


# ISHNE Holter


def ishne(
    values: NDArray[np.generic], codes: Sequence[int] = (5, 6, 11), *, rate: int = 200, resolution: int = 2500, text: bytes = b"note",
    stated: int | None = None, checksum: int | None = None, leads: int | None = None,
) -> bytes:  # fmt: skip
    """A Holter recording; samples of all leads in turn."""
    count = len(codes) if leads is None else leads
    twelve = [*codes, *[-9] * 12][:12]
    fixed = struct.pack("<4ih", len(text), values.shape[1] if stated is None else stated, 522, 522 + len(text), 1)
    fixed += b"Ada".ljust(40, b"\0") + SECRET.encode().ljust(40, b"\0") + b"P-17".ljust(20, b"\0")
    fixed += struct.pack("<2h", 2, 0) + struct.pack("<3h", 4, 7, 1964) + struct.pack("<3h", 31, 3, 2021) + struct.pack("<3h", 1, 4, 2021)
    fixed += struct.pack("<3h", 9, 8, 7) + struct.pack("<h", count) + struct.pack("<12h", *twelve) + struct.pack("<12h", *[1] * 12)
    fixed += struct.pack("<12h", *[resolution] * len(codes), *[-9] * (12 - len(codes))) + struct.pack("<h", 0) + b"digital".ljust(40, b"\0")
    fixed += struct.pack("<h", rate) + bytes(80 + 80 + 88)
    assert len(fixed) == 512
    crc = binascii.crc_hqx(fixed + text, 0xFFFF) if checksum is None else checksum
    return b"ISHNE1.0" + struct.pack("<H", crc) + fixed + text + np.ascontiguousarray(values.T).astype("<i2").tobytes()


# SCP-ECG

CODES = {"I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64}
OwnTable = Sequence[tuple[str, int, int, int]]  # prefix as it is sent, all bits, mode, value


def section(number: int, body: bytes, *, crc: int | None = None) -> bytes:
    """A section with its header, of even length."""
    body += b"\0" * (len(body) % 2)
    rest = struct.pack("<HIBB6s", number, 16 + len(body), 20, 20, b"SCPECG" if number == 0 else b"\0" * 6) + body
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF) if crc is None else crc) + rest


def scp_record(sections: Mapping[int, bytes], *, crc: int | None = None) -> bytes:
    """The record: pointers to `sections`, then themselves."""
    pointers = 12 * 10
    offset = 7 + 16 + pointers
    body, table = b"", struct.pack("<HII", 0, 16 + pointers, 7)
    for number in range(1, 12):
        data = sections.get(number, b"")
        table += struct.pack("<HII", number, len(data), offset + len(body) if data else 0)
        body += data
    rest = section(0, table) + body
    rest = struct.pack("<I", 6 + len(rest)) + rest
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF) if crc is None else crc) + rest


def tag(number: int, value: bytes) -> bytes:
    """One field of section 1."""
    return struct.pack("<BH", number, len(value)) + value


def scp_who() -> bytes:
    """Section 1."""
    device = bytes(7) + bytes([17]) + b"AT-10\0" + bytes([20, 0xA0, 1, 0, 1]) + bytes(17) + b"prog\0serial\0soft\0impl\0Acme\0"
    return section(
        1,
        tag(0, SECRET.encode() + b"\xfc\0") + tag(1, b"Ada\0") + tag(2, b"P-17\0") + tag(4, struct.pack("<HB", 56, 1))
        + tag(5, struct.pack("<HBB", 1964, 7, 4)) + tag(8, b"\2") + tag(14, device) + tag(25, struct.pack("<HBB", 2021, 3, 31))
        + tag(26, bytes([9, 8, 7])) + tag(27, struct.pack("<H", 5)) + tag(28, struct.pack("<H", 150)) + tag(29, b"\2") + tag(255, b""),
    )  # fmt: skip


def default_bits(value: int) -> str:
    """One value in the standard's own code, as text of bits."""
    if value == 0:
        return "0"
    if abs(value) <= 8:
        return "1" * abs(value) + "0" + ("0" if value > 0 else "1")
    if -128 <= value <= 127:
        return "1111111110" + f"{value & 0xFF:08b}"
    return "1111111111" + f"{value & 0xFFFF:016b}"


def packed_bits(stream: str) -> bytes:
    """Bits as bytes, filled up with zeros to an even number."""
    stream += "0" * (-len(stream) % 16)
    return int(stream or "0", 2).to_bytes(len(stream) // 8, "big")


def own_tables(*tables: OwnTable) -> bytes:
    """Section 2 with tables of one's own; prefixes stand in it with their first bit lowest."""
    body = struct.pack("<H", len(tables))
    for table in tables:
        body += struct.pack("<H", len(table))
        for prefix, total, mode, value in table:
            body += struct.pack("<BBBhI", len(prefix), total, mode, value, int(prefix[::-1], 2))
    return section(2, body)


def differences(values: Counts, order: int) -> Counts:
    """First or second differences as 16-bit integers, the first one or two values kept."""
    if order == 0:
        return values
    first = np.diff(values, prepend=0)
    out = first if order == 1 else np.concatenate((values[:2], np.diff(values, 2)))
    return (out + 0x8000 & 0xFFFF) - 0x8000


def scp_data(number: int, rows: Sequence[Counts], *, coded: bool = True, order: int = 2, nanovolts: int = 5000, interval: int = 2000,
             bimodal: int = 0, sizes: Sequence[int] | None = None) -> bytes:  # fmt: skip
    """Section 5 or 6."""
    parts = []
    for row in rows:
        plain = differences(np.asarray(row), order)
        parts.append(packed_bits("".join(default_bits(int(value)) for value in plain)) if coded else plain.astype("<i2").tobytes())
    head = struct.pack("<HHBB", nanovolts, interval, order, bimodal) + struct.pack(f"<{len(parts)}H", *(sizes or map(len, parts)))
    return section(number, head + b"".join(parts))


def scp_leads(leads: Sequence[str], spans: Sequence[tuple[int, int]], flags: int = 0x44) -> bytes:
    """Section 3."""
    body = bytes([len(leads), flags])
    return section(3, body + b"".join(struct.pack("<IIB", *span, CODES[name]) for name, span in zip(leads, spans, strict=True)))


def scp(
    values: Counts, leads: Sequence[str] = EIGHT, *, coded: bool = True, order: int = 2, nanovolts: int = 5000, interval: int = 2000
) -> bytes:
    """A whole record without reference beats."""
    sections = {
        1: scp_who(),
        3: scp_leads(leads, [(1, values.shape[1])] * len(leads)),
        6: scp_data(6, list(values), coded=coded, order=order, nanovolts=nanovolts, interval=interval),
    }
    if coded:
        sections[2] = section(2, struct.pack("<H", 19999))
    return scp_record(sections)


def scp_beats(length_ms: int, fiducial: int, places: Sequence[tuple[int, int, int, int]], zones: Sequence[tuple[int, int]]) -> bytes:
    """Section 4."""
    body = struct.pack("<HHH", length_ms, fiducial, len(places)) + b"".join(struct.pack("<HIII", *place) for place in places)
    return section(4, body + b"".join(struct.pack("<II", *zone) for zone in zones))
