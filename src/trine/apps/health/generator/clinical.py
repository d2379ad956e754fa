"""Make visits up, with what is found, measured, prescribed and done in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from trine.apps.health.generator.codes import (
    ACT_CODE,
    ATC,
    BLOOD_PRESSURE,
    BODY_MASS_INDEX,
    DIASTOLIC,
    DISEASES,
    DRUGS,
    HEIGHT,
    ICD_10,
    LABORATORY,
    LOINC,
    PROCEDURES,
    RXNORM,
    SNOMED,
    SYSTOLIC,
    UCUM,
    VISITS,
    VITALS,
    WEIGHT,
    Disease,
    Measure,
    coding,
    concept,
    hl7,
)
from trine.apps.health.generator.dice import Dice
from trine.apps.health.generator.people import TODAY, Site, reference

_CATEGORIES: Final = {
    True: [hl7("observation-category", "vital-signs", "Vital Signs")],
    False: [hl7("observation-category", "laboratory", "Laboratory")],
}


def write_time(moment: datetime) -> str:
    """Write a moment of UTC as FHIR does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Visit:
    """One visit: who, where, when, and what came of it."""

    dice: Dice
    site: Site
    patient: dict[str, Any]
    practitioner: dict[str, Any]
    begun: datetime
    build: dict[str, Decimal]
    """Values of the patient's body that agree with each other, by their codes."""
    encounter: dict[str, Any] = field(default_factory=dict)
    done: list[tuple[str, str, str]] = field(default_factory=list)
    """Codes of what can be charged."""

    def resources(self) -> Iterator[dict[str, Any]]:
        """Make the resources of the visit; each points to earlier ones only."""
        self.encounter = self._encounter()
        yield self.encounter
        yield self._blood_pressure()
        for measure in VITALS[: self.dice.whole(2, len(VITALS))]:
            yield self._observation(measure)
        if self.dice.chance(0.45):
            first = self.dice.whole(0, len(LABORATORY) - 4)
            for measure in LABORATORY[first : first + self.dice.whole(2, 4)]:
                yield self._observation(measure)
        if self.dice.chance(0.5):
            yield from self._illness(self.dice.one(DISEASES))
        if self.dice.chance(0.2):
            yield self._procedure()

    def _common(self, type_name: str) -> dict[str, Any]:
        return {
            "resourceType": type_name,
            "id": self.dice.id(),
            "meta": {"versionId": "1", "lastUpdated": write_time(self.begun)},
        }

    def _encounter(self) -> dict[str, Any]:
        code, display, kind = self.dice.one(VISITS)
        self.done.append(kind)
        minutes = self.dice.whole(1, 6) * 1_440 if code == "IMP" else self.dice.whole(10, 60)
        end = self.begun + timedelta(minutes=minutes)
        return {
            **self._common("Encounter"),
            "status": "finished",
            "class": coding(ACT_CODE, code, display),
            "type": [concept(kind)],
            "subject": reference(self.patient, self.patient["name"][0]["text"]),
            "participant": [{"individual": reference(self.practitioner)}],
            "period": {"start": write_time(self.begun), "end": write_time(end)},
            "serviceProvider": reference(self.site.hospital, self.site.hospital["name"]),
        }

    def _about(self) -> dict[str, Any]:
        return {"subject": reference(self.patient), "encounter": reference(self.encounter)}

    def _observation(self, measure: Measure) -> dict[str, Any]:
        return {
            **self._common("Observation"),
            "status": "final",
            "category": _CATEGORIES[measure.is_vital],
            "code": concept((LOINC, measure.code, measure.display)),
            **self._about(),
            "effectiveDateTime": write_time(self.begun),
            "issued": write_time(self.begun),
            "performer": [reference(self.practitioner)],
            "valueQuantity": self._quantity(measure),
        }

    def _blood_pressure(self) -> dict[str, Any]:
        made = self._observation(SYSTOLIC)
        made["code"] = concept(BLOOD_PRESSURE)
        del made["valueQuantity"]
        made["component"] = [
            {
                "code": concept((LOINC, measure.code, measure.display)),
                "valueQuantity": self._quantity(measure),
            }
            for measure in (SYSTOLIC, DIASTOLIC)
        ]
        return made

    def _quantity(self, measure: Measure) -> dict[str, Any]:
        value = self.build.get(measure.code)
        if value is None:
            value = self.dice.decimal(measure.least, measure.most, measure.digits)
        return {"value": value, "unit": measure.unit, "system": UCUM, "code": measure.unit}

    def _illness(self, disease: Disease) -> Iterator[dict[str, Any]]:
        condition = self._condition(disease)
        yield condition
        for name in disease.drugs[: self.dice.whole(1, len(disease.drugs))]:
            yield self._prescription(name, condition, is_long=disease.is_chronic)

    def _condition(self, disease: Disease) -> dict[str, Any]:
        codes = ((SNOMED, disease.snomed, disease.name), (ICD_10, disease.icd_10, ""))
        condition = {
            **self._common("Condition"),
            "clinicalStatus": hl7("condition-clinical", "active"),
            "verificationStatus": hl7("condition-ver-status", "confirmed"),
            "category": [hl7("condition-category", "encounter-diagnosis", "Encounter Diagnosis")],
            "code": concept(*codes),
            **self._about(),
            "onsetDateTime": self.begun.date().isoformat(),
            "recordedDate": write_time(self.begun),
        }
        over = self.begun.date() + timedelta(days=self.dice.whole(5, 30))
        if not disease.is_chronic and over <= TODAY:
            condition["clinicalStatus"] = hl7("condition-clinical", "resolved")
            condition["abatementDateTime"] = over.isoformat()
        return condition

    def _prescription(
        self, name: str, condition: dict[str, Any], *, is_long: bool
    ) -> dict[str, Any]:
        drug, times = DRUGS[name], self.dice.whole(1, 3)
        timing = {"repeat": {"frequency": times, "period": 1, "periodUnit": "d"}}
        codes = concept((ATC, drug.atc, drug.name), (RXNORM, drug.rxnorm, ""))
        return {
            **self._common("MedicationRequest"),
            "status": "active" if is_long else "completed",
            "intent": "order",
            "medicationCodeableConcept": codes,
            **self._about(),
            "authoredOn": write_time(self.begun),
            "requester": reference(self.practitioner),
            "reasonReference": [reference(condition)],
            "dosageInstruction": [
                {"sequence": 1, "text": f"{drug.dose}, {times} × / d", "timing": timing}
            ],
        }

    def _procedure(self) -> dict[str, Any]:
        kind = self.dice.one(PROCEDURES)
        self.done.append(kind)
        end = self.begun + timedelta(minutes=self.dice.whole(10, 90))
        return {
            **self._common("Procedure"),
            "status": "completed",
            "code": concept(kind),
            **self._about(),
            "performedPeriod": {"start": write_time(self.begun), "end": write_time(end)},
            "performer": [{"actor": reference(self.practitioner)}],
        }


def make_build(dice: Dice) -> dict[str, Decimal]:
    """Choose height and weight, and what follows from them."""
    height = dice.decimal(HEIGHT.least, HEIGHT.most, HEIGHT.digits)
    index = dice.decimal(BODY_MASS_INDEX.least, BODY_MASS_INDEX.most, BODY_MASS_INDEX.digits)
    weight = (index * height * height / 10_000).quantize(Decimal("0.1"))
    index = (weight * 10_000 / height / height).quantize(Decimal("0.01"))
    return {HEIGHT.code: height, WEIGHT.code: weight, BODY_MASS_INDEX.code: index}


def visit_days(dice: Dice, patient: dict[str, Any]) -> list[date]:
    """Choose the days of a patient's visits: within ten years, alive."""
    first = max(date.fromisoformat(patient["birthDate"]), date(2016, 7, 1))
    died = patient.get("deceasedDateTime")
    last = date.fromisoformat(died) if died else TODAY - timedelta(days=8)
    if last < first:
        return []
    return sorted(dice.day(first, last) for _ in range(dice.whole(1, 12)))
