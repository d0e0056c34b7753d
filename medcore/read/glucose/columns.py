"""What columns of glucose tables are called, in the languages that exports come in. Names are compared as `bare` leaves them."""

from __future__ import annotations

import re
import unicodedata

_SIGNS = re.compile(r"[\s_\-./]+")
_MG = re.compile(r"mg\W*/?\s*d\s*l|mg_?dl|mgdl|mg per dl|mg %", re.I)
_MMOL = re.compile(r"mmol", re.I)
_UNIT = re.compile(r"[\(\[]?\s*(mg[\s_/\-]*d[\s_]*l|mmol[\s_/\-]*l?)\s*[\)\]]?")

TIME = re.compile(
    r"(device |sensor |display |local |reading |measurement )?(time ?stamp|date ?time|date and time|datetime|time)( \(.*\))?( local)?"
    r"|zeitstempel.*|geratezeitstempel|zeit(punkt)?|uhrzeit|datum (und|/) ?(uhr)?zeit|horodatage.*|date et heure|heure"
    r"|sello de tiempo.*|marca (de hora|temporal).*|fecha y hora|hora|timestamp del dispositivo|data e ora|ora|tijdstempel.*"
    r"|date ?string|t|gluc?ose ?time|collect(ion|ed) (time|at)|ts|时间|采集时间|测量时间|日期时间"
)
DAY = re.compile(r"date|day|datum|tag|fecha|dia|data|giorno|jour|日期")
HOUR = re.compile(r"time|clock|zeit|uhrzeit|heure|hora|ora|时间")
GLUCOSE = re.compile(
    r"(gluc?ose|glukose|glycemie|glucosa|glucosio|blutzucker|glucemia|glicemia|bg|sgv|cgm|blood (sugar|glucose)|sensor (glucose|reading)"
    r"|glucose (value|level|reading|concentration|sensor)|gluc?ose value|glukosewert|sensorglukose|cgm (glucose|value|reading)s?"
    r"|sensor gluc?ose( value)?|gl|cbg|egv|interstitial glucose|historic glucose|glucose historic|血糖值?|葡萄糖值?|传感器葡萄糖)"
    r"( value| level| reading| record)?"
)
SUBJECT = re.compile(r"(subject|patient|participant|person|user|pt|deident|usubj)( ?(id|identifier|no|nr|number|code))?|id|usubjid|deidnum")
STRICT_SUBJECT = re.compile(r"(subject|patient|participant|person|user|pt|usubj)( ?(id|no|nr|number|code))?|usubjid|deidnum")
DEVICE = re.compile(r"(source )?device( id)?|device name|serial( number)?|source|sensor( id| name)?")
KIND = re.compile(r"kind|event ?type|event|type")
DOSES = {
    "carbs": re.compile(r"carb(ohydrate)?s?( \(?(g|grams?)\)?| input| intake| value)?|cho|ch gr|meal carbs"),
    "bolus": re.compile(r"bolus( \(?(u|units?|iu)\)?| insulin| dose| volume delivered)?|insulin bolus"),
    "basal": re.compile(r"basal( \(?(u|units?|iu)\)?| insulin| dose)|long acting insulin( \(units\))?"),
    "basal_rate": re.compile(r"basal rate( \(?u h\)?| u h)?|basal u h"),
}


def bare(name: str) -> str:
    """`name` in lower case without accents, signs between words as one blank, without a unit of glucose."""
    text = unicodedata.normalize("NFKD", name.strip().strip("\ufeff\"'")).casefold()
    text = "".join(sign for sign in text if not unicodedata.combining(sign))
    return _SIGNS.sub(" ", _UNIT.sub(" ", text)).strip()


def unit(name: str) -> str:
    """The unit of glucose that a column's name states; empty where it states none."""
    if _MMOL.search(name):
        return "mmol/L"
    return "mg/dL" if _MG.search(name) else ""


def any_of(*names: str) -> re.Pattern[str]:
    """The pattern of any of these."""
    return re.compile("|".join(names))


def found(pattern: re.Pattern[str], names: list[str]) -> list[int]:
    """Places of the names (as `bare` leaves them) that are wholly of the pattern."""
    return [place for place, name in enumerate(names) if pattern.fullmatch(name)]
