"""English words for numbers and for what they count in: our own tables."""

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
_TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))
_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
    " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()

MAGNITUDES = {
    **dict.fromkeys(("thousand", "thousands", "k"), 1e3),
    **dict.fromkeys(("million", "millions", "m", "mn"), 1e6),
    **dict.fromkeys(("billion", "billions", "bn", "b"), 1e9),
    **dict.fromkeys(("trillion", "trillions", "tn"), 1e12),
}
MULTIPLES = {"hundred": 100.0, "dozen": 12.0, "dozens": 12.0}
COUNTED_FROM_ONE = frozenset("hundred thousand million billion trillion".split())
"""What `a` stands before as `one` does: a million."""

VALUES: dict[str, float] = {
    **{word: float(value) for value, word in enumerate(_SMALL)},
    **{word: float(value) for word, value in _TENS.items()},
    **{word: float(value) for value, word in enumerate(_ORDINALS) if value},
    "half": 0.5,
    "dozen": 12.0,
    "twice": 2.0,
    "double": 2.0,
    "doubled": 2.0,
    "triple": 3.0,
    "tripled": 3.0,
}
LONE = frozenset(["one", "first"])
"""As often no number: a pronoun, a word of order; only with another number word do they count."""

PARTS: dict[str, float] = {
    **{word: float(value) for value, word in enumerate(_ORDINALS) if 2 < value <= 10},
    **{f"{word}s": float(value) for value, word in enumerate(_ORDINALS) if 2 < value <= 10},
    **dict.fromkeys(("quarter", "quarters"), 4.0),
    "halves": 2.0,
}
"""What a number of parts is divided by: two thirds, one quarter."""

UNITS = {
    **dict.fromkeys(("%", "percent", "percentage", "pc", "pct"), "percent"),
    "percentagepoint": "point",
    "am": "am",
    "pm": "pm",
    **dict.fromkeys(("km", "kilometre", "kilometres", "kilometer", "kilometers"), "km"),
    **dict.fromkeys(("mile", "miles"), "mile"),
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), "metre"),
    **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), "cm"),
    **dict.fromkeys(("foot", "feet", "ft"), "foot"),
    **dict.fromkeys(("kg", "kilogram", "kilograms", "kilo", "kilos"), "kg"),
    **dict.fromkeys(("tonne", "tonnes", "ton", "tons"), "tonne"),
    **dict.fromkeys(("hectare", "hectares", "ha"), "hectare"),
    **dict.fromkeys(("acre", "acres"), "acre"),
    **dict.fromkeys(("litre", "litres", "liter", "liters"), "litre"),
    **dict.fromkeys(("euro", "euros", "€", "eur"), "euro"),
    **dict.fromkeys(("dollar", "dollars", "$", "usd"), "dollar"),
    **dict.fromkeys(("pound", "pounds", "£", "gbp"), "pound"),
    **dict.fromkeys(("second", "seconds"), "second"),
    **dict.fromkeys(("minute", "minutes"), "minute"),
    **dict.fromkeys(("hour", "hours"), "hour"),
    **dict.fromkeys(("day", "days"), "day"),
    **dict.fromkeys(("week", "weeks"), "week"),
    **dict.fromkeys(("month", "months"), "month"),
    **dict.fromkeys(("year", "years"), "year"),
}
CURRENCIES = frozenset("€$£")
SHARES = frozenset(["percent", "point"])
"""Units without which a number says something else: 12 percent of the boats are not 12 boats."""
