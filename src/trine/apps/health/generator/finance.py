"""Make insurance and claims up."""

from typing import Any, Final

from trine.apps.health.generator.clinical import Visit, write_time
from trine.apps.health.generator.codes import ACT_CODE, concept, hl7
from trine.apps.health.generator.dice import Dice
from trine.apps.health.generator.people import NUMBERS, Site, reference

_PRICES: Final = {"CNY": (40, 900), "USD": (80, 1_600), "EUR": (30, 700)}


def make_coverage(dice: Dice, site: Site, patient: dict[str, Any]) -> dict[str, Any]:
    """Insure a patient."""
    number = dice.digits(10)
    return {
        "resourceType": "Coverage",
        "id": dice.id(),
        "identifier": [{"system": f"{NUMBERS}/policy", "value": number}],
        "status": "active",
        "type": concept((ACT_CODE, "EHCPOL", "extended healthcare")),
        "subscriberId": number,
        "beneficiary": reference(patient),
        "relationship": hl7("subscriber-relationship", "self"),
        "period": {"start": "2016-01-01", "end": "2026-12-31"},
        "payor": [reference(site.insurer, site.insurer["name"])],
    }


def make_claim(visit: Visit, coverage: dict[str, Any]) -> dict[str, Any]:
    """Charge what was done in a visit."""
    dice, currency = visit.dice, visit.site.country.currency
    prices = [dice.decimal(*_PRICES[currency], 2) for _ in visit.done]
    return {
        "resourceType": "Claim",
        "id": dice.id(),
        "meta": {"versionId": "1", "lastUpdated": write_time(visit.begun)},
        "status": "active",
        "type": hl7("claim-type", "professional", "Professional"),
        "use": "claim",
        "patient": reference(visit.patient),
        "billablePeriod": visit.encounter["period"],
        "created": write_time(visit.begun),
        "insurer": reference(visit.site.insurer),
        "provider": reference(visit.site.hospital),
        "priority": hl7("processpriority", "normal"),
        "insurance": [{"sequence": 1, "focal": True, "coverage": reference(coverage)}],
        "item": [
            {
                "sequence": number,
                "productOrService": concept(code),
                "encounter": [reference(visit.encounter)],
                "net": {"value": price, "currency": currency},
            }
            for number, (code, price) in enumerate(zip(visit.done, prices, strict=True), 1)
        ],
        "total": {"value": sum(prices), "currency": currency},
    }
