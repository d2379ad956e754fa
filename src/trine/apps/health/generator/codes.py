"""List the codes that generated resources use.

Codes are facts of their systems: LOINC, SNOMED CT, ICD-10, ATC and RxNorm name the same things
everywhere. Units are those of UCUM. The ranges are what an adult's values mostly lie in.
"""

from dataclasses import dataclass
from typing import Any, Final

LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
ICD_10: Final = "http://hl7.org/fhir/sid/icd-10"
ATC: Final = "http://www.whocc.no/atc"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM: Final = "http://unitsofmeasure.org"
_HL7: Final = "http://terminology.hl7.org/CodeSystem"
ACT_CODE: Final = f"{_HL7}/v3-ActCode"


def hl7(system: str, code: str, display: str = "") -> dict[str, Any]:
    """Make a concept of one of HL7's own code systems."""
    return concept((f"{_HL7}/{system}", code, display))


def coding(system: str, code: str, display: str = "") -> dict[str, Any]:
    """Make a Coding."""
    made = {"system": system, "code": code}
    return {**made, "display": display} if display else made


def concept(*codes: tuple[str, str, str]) -> dict[str, Any]:
    """Make a CodeableConcept of one meaning in one or more systems."""
    made: dict[str, Any] = {"coding": [coding(*code) for code in codes]}
    if codes[0][2]:
        made["text"] = codes[0][2]
    return made


@dataclass(frozen=True)
class Measure:
    """Something that is observed, with a unit and a range."""

    code: str
    display: str
    unit: str
    least: float
    most: float
    digits: int
    is_vital: bool = False


@dataclass(frozen=True)
class Drug:
    """A medicine by its ingredient."""

    atc: str
    rxnorm: str
    name: str
    dose: str


@dataclass(frozen=True)
class Disease:
    """A diagnosis, how likely it lasts, and what is given for it."""

    snomed: str
    icd_10: str
    name: str
    is_chronic: bool
    drugs: tuple[str, ...]


WEIGHT: Final = Measure("29463-7", "Body Weight", "kg", 44, 108, 1, True)
HEIGHT: Final = Measure("8302-2", "Body Height", "cm", 148, 194, 1, True)
BODY_MASS_INDEX: Final = Measure(
    "39156-5", "Body mass index (BMI) [Ratio]", "kg/m2", 18, 34, 2, True
)
VITALS: Final = (
    Measure("8867-4", "Heart rate", "/min", 52, 104, 0, True),
    Measure("9279-1", "Respiratory rate", "/min", 12, 20, 0, True),
    Measure("8310-5", "Body temperature", "Cel", 36.0, 38.4, 1, True),
    WEIGHT,
    HEIGHT,
    BODY_MASS_INDEX,
    Measure("2708-6", "Oxygen saturation in Arterial blood", "%", 93, 100, 0, True),
)
SYSTOLIC: Final = Measure("8480-6", "Systolic blood pressure", "mm[Hg]", 98, 158, 0, True)
DIASTOLIC: Final = Measure("8462-4", "Diastolic blood pressure", "mm[Hg]", 58, 98, 0, True)
BLOOD_PRESSURE: Final = (LOINC, "85354-9", "Blood pressure panel with all children optional")
LABORATORY: Final = (
    Measure("15074-8", "Glucose [Moles/volume] in Blood", "mmol/L", 3.6, 9.8, 1),
    Measure("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%", 4.4, 8.9, 1),
    Measure("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 10.8, 17.2, 1),
    Measure("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*3/uL", 3.6, 12.4, 2),
    Measure("777-3", "Platelets [#/volume] in Blood by Automated count", "10*3/uL", 138, 420, 0),
    Measure("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.55, 1.45, 2),
    Measure("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "mg/dL", 128, 276, 0),
    Measure("2571-8", "Triglyceride [Mass/volume] in Serum or Plasma", "mg/dL", 48, 288, 0),
    Measure("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", 3.3, 5.3, 2),
    Measure("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", 132, 147, 0),
)

DRUGS: Final = {
    drug.name: drug
    for drug in (
        Drug("C08CA01", "17767", "amlodipine", "5 mg"),
        Drug("C09AA03", "29046", "lisinopril", "10 mg"),
        Drug("C10AA05", "83367", "atorvastatin", "20 mg"),
        Drug("B01AC06", "1191", "acetylsalicylic acid", "100 mg"),
        Drug("A10BA02", "6809", "metformin", "500 mg"),
        Drug("R03AC02", "435", "salbutamol", "100 ug"),
        Drug("J01CA04", "723", "amoxicillin", "500 mg"),
        Drug("J01FA10", "18631", "azithromycin", "250 mg"),
        Drug("M01AE01", "5640", "ibuprofen", "400 mg"),
        Drug("N02BE01", "161", "paracetamol", "500 mg"),
        Drug("A02BC01", "7646", "omeprazole", "20 mg"),
        Drug("N06AB06", "36437", "sertraline", "50 mg"),
    )
}

DISEASES: Final = (
    Disease("59621000", "I10", "Essential hypertension", True, ("amlodipine", "lisinopril")),
    Disease("44054006", "E11.9", "Diabetes mellitus type 2", True, ("metformin",)),
    Disease("55822004", "E78.5", "Hyperlipidemia", True, ("atorvastatin",)),
    Disease("53741008", "I25.1", "Coronary arteriosclerosis", True, ("acetylsalicylic acid",)),
    Disease("195967001", "J45.9", "Asthma", True, ("salbutamol",)),
    Disease("13645005", "J44.9", "Chronic obstructive lung disease", True, ("salbutamol",)),
    Disease("396275006", "M19.9", "Osteoarthritis", True, ("ibuprofen", "paracetamol")),
    Disease("235595009", "K21.9", "Gastroesophageal reflux disease", True, ("omeprazole",)),
    Disease("370143000", "F32.9", "Major depressive disorder", True, ("sertraline",)),
    Disease("195662009", "J02.9", "Acute viral pharyngitis", False, ("paracetamol",)),
    Disease("10509002", "J20.9", "Acute bronchitis", False, ("paracetamol", "ibuprofen")),
    Disease("36971009", "J32.9", "Sinusitis", False, ("amoxicillin",)),
    Disease("233604007", "J18.9", "Pneumonia", False, ("azithromycin", "amoxicillin")),
    Disease("65363002", "H66.9", "Otitis media", False, ("amoxicillin",)),
)

PROCEDURES: Final = (
    (SNOMED, "29303009", "Electrocardiographic procedure"),
    (SNOMED, "399208008", "Plain chest X-ray"),
    (SNOMED, "73761001", "Colonoscopy"),
    (SNOMED, "16310003", "Diagnostic ultrasonography"),
    (SNOMED, "77477000", "Computed tomography"),
    (SNOMED, "113091000", "Magnetic resonance imaging"),
    (SNOMED, "23426006", "Measurement of respiratory function"),
)

VISITS: Final = (
    ("AMB", "ambulatory", (SNOMED, "185345009", "Encounter for symptom")),
    ("AMB", "ambulatory", (SNOMED, "162673000", "General examination of patient")),
    ("EMER", "emergency", (SNOMED, "50849002", "Emergency room admission")),
    ("IMP", "inpatient encounter", (SNOMED, "32485007", "Hospital admission")),
)
