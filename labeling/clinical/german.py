"""German context rules, written for sidelight from the grammar of clinical notes (Apache-2.0, as all of it)."""

from .rules import RuleSet, rules

_EVERY = ("negated", "uncertain", "historical", "hypothetical", "family", "other")
_NO = "kein|keine|keinen|keiner|keines|keinem|ohne"

_RULES = [
    *rules(
        "uncertain",
        "forward",
        """
        {verdacht|verd .|v . a .|va|vd .|v . d .} [auf]
        {verdächtig|suspekt|hinweisend} [auf|für]
        {möglich|möglicher|mögliche|möglicherweise|mgl .|evtl .|eventuell|ggf .|vermutlich|wahrscheinlich|wahrscheinliche|wahrscheinlicher|fraglich|fragliche|fraglicher|fragl .|mutmaßlich|am ehesten|a . e .|ehesten|vereinbar mit|dd|dd :|differentialdiagnostisch|differenzialdiagnostisch}
        {könnte|könnten|kann|können|dürfte} [auch]
        {hinweis|hinweise|anhalt} {auf|für} {mögliche|möglichen}
        {nicht|kein} [sicher|sicheren|sicherer|sichere] {auszuschließen|ausschließbar|auszuschliessen} :
        nicht [sicher] auszuschließen ist
        {ausschluss|zum ausschluss|z . a .|frage nach}
        kein {sicherer ausschluss|ausschluss} {von|einer|eines|des|der}
        """,
    ),
    *rules(
        "uncertain",
        "backward",
        """
        {nicht|kann nicht|können nicht|konnte nicht} [sicher|ganz|vollständig|mit sicherheit|eindeutig] {auszuschließen|auszuschliessen|ausgeschlossen|ausschließbar|ausgeschlossen werden|ausschließen|abzugrenzen}
        {ist|sind|wäre|wären|erscheint|bleibt} {möglich|denkbar|wahrscheinlich|fraglich|unklar|zu diskutieren|in betracht zu ziehen}
        {möglich|denkbar|fraglich|wahrscheinlich} <end>
        {vermutet|in frage|zu erwägen}
        ?
        """,
        reach=9,
    ),
    *rules(
        "negated",
        "forward",
        f"""
        {{{_NO}}}
        {{{_NO}}} [sicheren|sicherer|sichere|eindeutigen|eindeutiger|eindeutige|weiteren|wesentlichen|direkten] {{nachweis|nachweise|hinweis|hinweise|anhalt|anzeichen|zeichen}} [für|auf|von|einer|eines|eine|einen|der|des]
        {{{_NO}}} {{nachweisbare|nachweisbaren|erkennbare|erkennbaren|umschriebene|frische|akute|relevante|wesentliche|signifikante|weitere}}
        {{nicht|nie|niemals}}
        {{weder|noch}}
        {{negativ|frei}} [für|von]
        {{verneint|verneinte|leugnet|negiert}}
        {{ausschluss|ausgeschlossen}} {{einer|eines|von|der|des|wurde|wurden}}
        {{statt|anstelle}}
        {{fehlen|fehlende|fehlender|fehlendes|abwesenheit}} [von|der|des]
        {{z . n .|zustand nach}} ausschluss
        {{nicht mehr|unauffällig für}}
        """,
    ),
    *rules(
        "negated",
        "backward",
        """
        {nicht|nicht mehr} [sicher|eindeutig|weiter] {nachweisbar|erkennbar|abgrenzbar|sichtbar|vorhanden|nachgewiesen|dargestellt|darstellbar|festzustellen|gesehen|auskultierbar|tastbar|vorliegend|bestätigt|gesichert|zu sehen|zu erkennen}
        {ist|sind|war|waren|wird|wurde|wurden|werden} {ausgeschlossen|verneint|nicht nachweisbar}
        {liegt|liegen|besteht|bestehen|zeigt sich|zeigen sich|finden sich|findet sich} {nicht|nicht vor|nicht mehr}
        {ausgeschlossen|verneint|negiert|regredient verschwunden|abgeklungen}
        {:|-} {keine|kein|nein|negativ|neg|ø|0} <end>
        {keine|nein|negativ} <end>
        {fehlt|fehlen}
        """,
        reach=9,
    ),
    *rules(("negated", "uncertain"), "both", "{unwahrscheinlich|eher nicht}", reach=8),
    *rules(
        "historical",
        "forward",
        """
        {z . n .|zn|zustand nach|st . p .|status nach|st . n .}
        {anamnestisch|anamnestische|anamnestischer|anamnese von|in der anamnese|bekannt seit}
        {früher|frühere|früherer|früheren|ehemals|ehemalige|ehemaliger|stattgehabt|stattgehabter|stattgehabte|stattgehabten|vorausgegangen|vorausgegangener|abgelaufen|abgelaufener|abgelaufenen|durchgemacht|durchgemachte}
        """,
    ),
    *rules("historical", "forward", "{alter|altem|alten|altes|alte}", reach=2, across_commas=False),
    *rules(
        "historical",
        "backward",
        """
        vor <n> {jahren|jahr|monaten|monat|jahrzehnten|j .}
        [im] jahr <year>
        {seit|in|von|anno|ed} <year>
        {im|in} <month> <year>
        {in der kindheit|in der vergangenheit|in der anamnese|anamnestisch|im kindesalter}
        """,
        reach=8,
    ),
    *rules(
        "hypothetical",
        "forward",
        """
        {falls|bei auftreten von|sollte|sollten|im falle|im fall von|wenn|sofern}
        {risiko|risiko für|gefahr|erhöhtes risiko für|prophylaxe von|zur prophylaxe|vorbeugung von|screening auf}
        {wiedervorstellung bei|bei beschwerden wie|warnzeichen}
        {abklärung|zur abklärung} [von|einer|eines|der|des|auf]
        """,
    ),
    *rules("hypothetical", "backward", "{prophylaxe|screening}", reach=1),
    *rules(
        ("family", "historical"),
        "forward",
        "{familienanamnese|fa|familiäre belastung|familiär} [positiv|für|mit|:|bekannt]",
    ),
    *rules(
        "family",
        "both",
        "{mutter|vater|bruder|brüder|schwester|schwestern|geschwister|eltern|großmutter|großvater|grossmutter|grossvater|oma|opa|onkel|tante|cousin|cousine|tochter|sohn|nichte|neffe|verwandte|verwandter}",
    ),
    *rules("other", "both", "{ehefrau|ehemann|partner|partnerin|ehepartner|spender|lebensgefährte|mitbewohner}"),
    *rules(
        "family",
        "pseudo",
        """
        {laut|von|mit|durch|begleitet von} [der|dem|seiner|ihrer|seinem|ihrem] {mutter|vater|tochter|sohn|ehefrau|ehemann|schwester|bruder}
        {mutter|vater|tochter|sohn|ehefrau|ehemann} {berichtet|gibt an|berichten}
        """,
    ),
    *rules(
        "negated",
        "pseudo",
        """
        {kein|keine|keinen|ohne} [wesentliche|wesentlichen|signifikante|relevante|neue] {änderung|änderungen|veränderung|befundänderung|befundwandel|größenänderung|zunahme|progress|progredienz|unterschied|besserung}
        nicht {nur|unbedingt|zwingend|vollständig|wesentlich|komplett|ganz}
        {gram|rhesus|hiv} [-] negativ
        ohne {komplikationen|schwierigkeiten|probleme}
        {kein|keine} zweifel
        noch {bestehend|bestehende|bestehender|nachweisbar|immer|vorhanden|geringe|geringer|leichte|leichter|deutlich|etwas|sichtbar}
        nicht {st|q} [-]
        nicht [-] {ischämisch|eitrig|invasiv}
        """,
    ),
    *rules(
        "historical",
        "pseudo",
        "{alter|jahre alt|jahre alte|jahre alter|im alter|-jährig|jährige|jähriger}\n{im vergleich|verglichen} {zur|zum|mit} {voraufnahme|voruntersuchung|früheren}",
    ),
    *rules(
        _EVERY,  # type: ignore[arg-type]
        "stop",
        "{aber|jedoch|allerdings|dagegen|hingegen|obwohl|außer|ausser|abgesehen von|bis auf|sondern|trotz|während|dafür}\n;",
    ),
    *rules(_EVERY, "stop_ahead", "{, der|, die|, das|, welche|, welcher|, welches}"),  # type: ignore[arg-type]
    *rules(
        ("negated", "uncertain"),
        "stop",
        """
        {weil|da|aufgrund|wegen|bei bekanntem|bei bekannter|bei z . n .|infolge|bedingt durch}
        {positiv für|zeigt|zeigen|zeigte|klagt über|berichtet über|mit|nachweis von|es besteht|es bestehen|es zeigt sich|es findet sich|besteht|bestehen}
        {und|,} {es|er|sie|der patient|die patientin} {ist|hat|war|besteht|zeigt|klagt|berichtet}
        {z . n .|zustand nach|bekannt|bekannte|bekannter}
        """,
    ),
    *rules(
        "historical",
        "stop",
        "{aktuell|aktuelle|aktueller|jetzt|nun|derzeit|heute|stellt sich vor|vorstellung|aufnahme|akut|akute|neu aufgetreten|neu aufgetretene|mit|frisch|frische|frischer}",
    ),
    *rules(("family", "other"), "stop", "{patient|patientin|pat .|er|eigenanamnese|selbst}"),
]  # fmt: skip

_PREDICATES = """
ist sind war waren wird wurde wurden hat haben zeigt zeigen stellt unauffällig regelrecht normal
frei normgroß glatt symmetrisch regelmäßig orthotop schlank weich altersentsprechend unverändert
grenzwertig vergrößert verbreitert
"""
_EXISTENCE = """
nachweisbar erkennbar abgrenzbar sichtbar vorhanden nachgewiesen gesehen festgestellt dargestellt
tastbar auskultierbar
"""

GERMAN = RuleSet(
    "de",
    _RULES,
    sections={
        "past_medical_history": ("historical",),
        "past_surgical_history": ("historical",),
        "social_history": ("historical",),
        "allergies": ("historical",),
        "family_history": ("family", "historical"),
    },
    predicates=_PREDICATES.split(),
    existence=_EXISTENCE.split(),
)
"""The German rule set."""
