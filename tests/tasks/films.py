"""Made-up images for tests, marked synthetic: they look enough like the real thing to run every path, and are no data of a patient."""

import io

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

from medcore.types import Patient, Series, Source, Study


def film(seed=0, side=600):
    """A chest film (side, side) uint8: two dark lungs, a bright spine, ribs and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    lungs = sum(np.exp(-((((x - c) / 0.15) ** 2 + ((y - 0.45) / 0.3) ** 2) ** 2)) for c in (0.3, 0.7))
    ribs = 0.06 * np.sin(60 * (y + 0.3 * np.abs(x - 0.5))) * lungs
    body = 0.75 - 0.5 * lungs + 0.2 * np.exp(-(((x - 0.5) / 0.05) ** 2)) + ribs + rng.normal(0, 0.01, x.shape)
    return (np.clip(body, 0, 1) * 255).astype(np.uint8)


def ct_slice(seed=0, side=512):
    """An axial chest slice (side, side) int16 in HU: a body ellipse with two lungs."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    values = np.full((side, side), -1000.0)
    values[(x / 0.45) ** 2 + (y / 0.32) ** 2 < 1] = 40
    for centre in (-0.2, 0.2):
        values[((x - centre) / 0.13) ** 2 + (y / 0.2) ** 2 < 1] = -820
    return np.clip(values + rng.normal(0, 15, values.shape), -1024, 3071).astype(np.int16)


def series(pixels, modality="CR", unit="grey", **rest):
    """One slice as a series."""
    return Series(array=pixels[None, None].copy(), unit=unit, modality=modality, **rest)


def study(one, **patient):
    """A study of one series, with a source of its own."""
    return Study(
        study_uid="1.2.3", patient=Patient(**patient), series=(one,), sources=(Source(name="made", sha256="0" * 64, data=b"made"),)
    )


def dicom(pixels, modality="CR", age="004Y", body_part="CHEST", **extra):
    """`pixels` (uint8 or uint16) as DICOM bytes."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = ComputedRadiographyImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.Modality, ds.BodyPartExamined, ds.PatientID, ds.PatientName, ds.PatientAge = modality, body_part, "SYNTHETIC", "Synthetic", age
    ds.Rows, ds.Columns = pixels.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    bits = pixels.dtype.itemsize * 8
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = bits, bits, bits - 1
    ds.PixelData = pixels.tobytes()
    for name, value in extra.items():
        setattr(ds, name, value)
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()
