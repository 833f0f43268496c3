"""Swedish context rules for the commonest phrases, written for sidelight (Apache-2.0, as all of it)."""

from .rules import rules
from .ruleset import RuleSet

_EVERY = ("negated", "uncertain", "historical", "hypothetical", "family", "other")

_PREDICATES = """
är var har visar normal normala normalt ua välbevarad oförändrad symmetrisk
"""
_EXISTENCE = """
ses synlig synliga påvisas påvisbar påvisbara noteras föreligger
"""

SWEDISH = RuleSet(
    "sv",
    [
        *rules(
            "uncertain",
            "forward",
            """
            {möjlig|möjligt|möjliga|möjligen|trolig|troligt|troliga|troligen|sannolik|sannolikt|eventuell|eventuellt|ev .|misstänkt|misstänkta|misstanke om|misst .|obs|suspekt|kan vara|kan inte utesluta|kan ej utesluta|frågeställning|oklar|förenligt med möjlig}
            """,
        ),
        *rules(
            "uncertain",
            "backward",
            """
            {kan inte|kan ej|går inte att|går ej att} [säkert|helt] {uteslutas|utesluta}
            {är|förefaller} {möjlig|möjligt|trolig|troligt|sannolik|sannolikt|oklar|oklart}
            ?
            """,
            reach=8,
        ),
        *rules(
            "negated",
            "forward",
            """
            {ingen|inga|inget|inte|ej|icke|utan|aldrig}
            {ingen|inga|inget|utan} [säkra|säker|säkert|uppenbara] {tecken på|hållpunkter för|hållpunkt för|belägg för|misstanke om|påvisbar|påvisbara}
            {förnekar|förnekat|nekar|nekar till}
            {negativ för|fri från|frånvaro av|avsaknad av|varken}
            """,
        ),
        *rules(
            "negated",
            "backward",
            """
            {ses|syns|påvisas|föreligger|finns|noteras|hörs} {inte|ej|inga|ingen}
            {kan inte|kan ej} {påvisas|ses}
            {är|har} {uteslutet|uteslutits|uteslutna|negativ|negativt}
            {:|-} {nej|ingen|inga|neg|negativ} <end>
            {saknas|utesluten|uteslutet}
            """,
            reach=8,
        ),
        *rules(("negated", "uncertain"), "both", "{osannolik|osannolikt|mindre sannolik|mindre sannolikt}", reach=8),
        *rules(
            "historical",
            "forward",
            "{tidigare|anamnes på|i anamnesen|känd sedan|status efter|st p|st . p .|genomgången|genomgånget|genomgått|gammal|gammalt|gamla|äldre}",
        ),
        *rules(
            "historical",
            "backward",
            "för <n> {år|månader|mån} sedan\n{år|i|sedan|från} <year>\n{i barndomen|i anamnesen|tidigare}",
            reach=8,
        ),
        *rules("hypothetical", "forward", "{om|ifall|vid händelse av|risk för|profylax mot|sök vård vid|åter vid|screening för}"),
        *rules(("family", "historical"), "forward", "{hereditet för|ärftlighet för|hereditet|ärftlighet}"),
        *rules(
            "family",
            "both",
            "{mor|mamma|moder|far|pappa|fader|bror|broder|syster|syskon|föräldrar|mormor|morfar|farmor|farfar|moster|faster|morbror|farbror|dotter|son|kusin}",
        ),
        *rules("other", "both", "{make|maka|hustru|sambo|donator|donatorn|granne}"),
        *rules(
            "negated",
            "pseudo",
            """
            {ingen|inga|utan} [säker|säkra|signifikant|väsentlig|nämnvärd] {förändring|förändringar|ändring|progress|skillnad|förbättring|ökning|minskning}
            {inte|ej} {bara|endast|nödvändigtvis|helt}
            {gram|hiv} [-] negativ
            utan {komplikationer|svårighet|problem}
            """,
        ),
        *rules(_EVERY, "stop", "{men|dock|däremot|förutom|bortsett från|trots|medan|utom}\n;"),  # type: ignore[arg-type]
        *rules(_EVERY, "stop_ahead", "{som|vilken|vilket|vilka}"),  # type: ignore[arg-type]
        *rules(
            ("negated", "uncertain"),
            "stop",
            "{på grund av|p g a|eftersom|visar|positiv för|klagar över|uppger|med|har}\n{och|,} {det|hon|han|patienten} {är|har|finns|föreligger|uppger}",
        ),
        *rules("historical", "stop", "{nu|aktuellt|inkommer|söker|idag|akut|nytillkommen|nytillkommet}"),
        *rules(("family", "other"), "stop", "{patienten|pat|själv|hon|han}"),
    ],
    sections={
        "past_medical_history": ("historical",),
        "past_surgical_history": ("historical",),
        "social_history": ("historical",),
        "allergies": ("historical",),
        "family_history": ("family", "historical"),
    },
    predicates=_PREDICATES.split(),
    existence=_EXISTENCE.split(),
)  # fmt: skip
"""The Swedish rule set: the basics."""
