"""German context rules, written for sidelight from the grammar of clinical notes (Apache-2.0, as all of it)."""

from .claims import ClaimWords
from .rules import rules
from .ruleset import RuleSet

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
        {ausschluss|zum ausschluss|z . a .|frage nach|fragestellung}
        {arbeitsdiagnose|verdachtsdiagnose|differentialdiagnose|differenzialdiagnose|differentialdiagnosen|differenzialdiagnosen} [:|einer|eines]
        {hinweisend|suspekt|suspekte|suspekter|suspektes|verdächtige|verdächtiger|verdächtiges} [auf|für]
        {wohl|offenbar|anscheinend|mutmaßlich|mutmaßliche|mutmaßlicher|vermutete|vermuteter|vermutetes|vermuteten|potenziell|potentiell|potenzielle|potentielle}
        {passend|vereinbar|gut vereinbar} {zu|mit}
        {denken|denkbar} {an|wäre|ist}
        {in frage|infrage} {kommt|kommen} [auch]
        {ob|unklar ob|unklar , ob} [eine|ein|einen]
        {noch nicht|bisher nicht|nicht} {gesicherte|gesicherter|gesichertes|gesicherten|bestätigte|bestätigter}
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
        {lässt|lassen|ließ|ließen} sich [derzeit|aktuell] nicht [sicher|ganz|vollständig|mit sicherheit|eindeutig] {ausschließen|ausschliessen}
        {kommt|kommen} [auch|ebenfalls|differentialdiagnostisch|differenzialdiagnostisch] {in betracht|in frage|infrage}
        {vermutet|in frage|infrage|zu erwägen|abklärungsbedürftig|zu vermuten|anzunehmen}
        {ist|sind|wird|wurde} {vermutet|angenommen|anzunehmen|zu vermuten|nicht gesichert|nicht bestätigt}
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
        {{{_NO}}} [sicheren|sicherer|sichere|eindeutigen|eindeutiger|eindeutige|weiteren|klinischen] {{hinweis|hinweise|anhalt|anzeichen|zeichen|nachweis}} [dafür|darauf] , {{dass|daß}} [sich] [der patient|die patientin|es]
        {{nicht|nie|niemals}}
        {{weder|noch}}
        {{negativ|frei}} [für|von]
        {{verneint|verneinte|leugnet|negiert}}
        {{ausschluss|ausgeschlossen}} {{einer|eines|von|der|des|wurde|wurden}}
        {{statt|anstelle}}
        {{fehlen|fehlende|fehlender|fehlendes|abwesenheit}} [von|der|des]
        {{z . n .|zustand nach}} ausschluss
        {{nicht mehr|unauffällig für}}
        {{in|unter}} ausschluss [von|einer|eines]
        {{kommt|kam|kamen|kommen|trat|traten}} nicht zu
        {{kommt|kam|kamen}} es [zu] {{keinem|keiner|keinen|nicht zu}}
        {{spricht|sprechen|sprach|sprachen}} [eher|klar] gegen [das vorliegen] [eine|einen|ein|einer|eines]
        {{frei|freiheit}} von
        {{afebril|negativ}} für
        {{nie|niemals}} {{gehabt|aufgetreten}}
        keinerlei [hinweis|hinweise|anhalt|zeichen|nachweis] [auf|für|einer|eines|von]
        {{verneinte|verneinen|verneint|negiert|negierte|bestreitet|bestritt}} [das vorliegen von|jegliche|jeglichen]
        """,
    ),
    *rules(
        "negated",
        "backward",
        """
        {nicht|nicht mehr} [sicher|eindeutig|weiter] {nachweisbar|erkennbar|abgrenzbar|sichtbar|vorhanden|nachgewiesen|dargestellt|darstellbar|bekannt|erinnerlich|eruierbar|erhebbar|ersichtlich|auslösbar|fassbar|gegeben|festzustellen|gesehen|auskultierbar|tastbar|vorliegend|bestätigt|gesichert|zu sehen|zu erkennen}
        {ist|sind|war|waren|wird|wurde|wurden|werden} {ausgeschlossen|verneint|nicht nachweisbar}
        {liegt|liegen|lag|lagen|besteht|bestehen|bestand|bestanden|trat|traten} [derzeit|aktuell|weiterhin|sicher|bislang] {nicht|nicht vor|nicht mehr|nicht auf|nie}
        {zeigt|zeigte|zeigen|zeigten|fand|fanden|finden|findet|ergibt|ergeben|ergab|ergaben|ließ|ließen|lässt|lassen|stellt|stellte} sich [derzeit|aktuell|dabei|hier|jedoch] {nicht|nicht mehr}
        {konnte|konnten|kann|können|wurde|wurden|wird|werden} [dabei|hier|bislang|jedoch] {nicht|nicht mehr} {nachgewiesen|gesehen|gefunden|beobachtet|festgestellt|bestätigt|dargestellt|abgegrenzt|erkannt|detektiert|getastet|gesichert}
        {konnte|konnten|kann|können|wurde|wurden|wird|werden|ist|sind} [klinisch|radiologisch|sonographisch|sonografisch|sicher|somit|damit|bereits] {ausgeschlossen|ausgeräumt|widerlegt|verneint|negiert|entkräftet}
        {nicht|nie} [mehr|weiter|wieder] [vor|auf|ein] <end>
        {ausgeschlossen|verneint|negiert|regredient verschwunden|abgeklungen|verschwunden|rückgebildet|resorbiert|abgeheilt|widerlegt}
        {vollständig|komplett} {regredient|zurückgebildet|rückläufig|aufgelöst}
        {wird|wurde|werden|wurden} [vom patienten|von der patientin|glaubhaft] {verneint|negiert}
        {bestehen|bestand|bestanden|besteht} keine <end>
        {zeigt|zeigte|fand|findet|fanden|finden|ergibt|ergab|ergaben|ergeben} sich {kein|keine|keinerlei} {hinweis|hinweise|anhalt|nachweis|zeichen|korrelat} <end>
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
        {z . n .|zn|zustand nach|st . p .|status nach|st . n .|s . p .}
        vor <n> {jahren|jahr|monaten|monat|jahrzehnten|j .}
        als {kind|kleinkind|jugendlicher|jugendliche}
        {vorgeschichte|in der vorgeschichte|vorbekannt|medizinische vorgeschichte|vordiagnose|vordiagnosen|vorerkrankung|vorerkrankungen} [:|von|einer|eines|mit]
        {anamnestisch|anamnestische|anamnestischer|anamnese von|in der anamnese|bekannt seit}
        {früher|frühere|früherer|früheren|ehemals|ehemalige|ehemaliger|stattgehabt|stattgehabter|stattgehabte|stattgehabten|vorausgegangen|vorausgegangener|abgelaufen|abgelaufener|abgelaufenen|durchgemacht|durchgemachte}
        """,
    ),
    *rules("historical", "forward", "{alter|altem|alten|altes|alte|älterer|ältere|älteres|älteren}", reach=2, across_commas=False),
    *rules(
        "historical",
        "backward",
        """
        vor <n> {jahren|jahr|monaten|monat|jahrzehnten|j .}
        [im] jahr <year>
        {seit|in|von|anno|ed} <year>
        {im|in} <month> <year>
        {in der kindheit|in der vergangenheit|in der anamnese|anamnestisch|im kindesalter|in der vorgeschichte|in der jugend|im jugendalter}
        {bereits|schon} {früher|einmal}
        als {kind|kleinkind|jugendlicher|jugendliche}
        {älteren|älterer|alten|unklaren} {datums|alters}
        """,
        reach=8,
    ),
    *rules(
        "hypothetical",
        "forward",
        """
        {falls|bei auftreten von|sollte|sollten|im falle|im fall von|wenn|sofern}
        {bei} {verschlechterung|zunahme|auftreten|wiederauftreten|persistenz} {der|des|von}
        bei {erneutem|erneuter|erneuten|neuerlichem|neuerlicher|zunehmendem|zunehmender|persistierendem|persistierender}
        {im falle|bei auftreten} {einer|eines|von}
        {bedarfsmedikation|bei bedarf|b . b .} [bei|gegen]
        {überwachung|monitoring|kontrolle} {auf|bezüglich|hinsichtlich}
        {aufklärung|aufgeklärt} über
        {zur|als} {prophylaxe|prävention|vorbeugung} [von|einer|eines|der|des|gegen]
        {zur|um} {vermeidung|verhinderung} [von|einer|eines|der]
        {risiko|risiko für|gefahr|erhöhtes risiko für|prophylaxe von|zur prophylaxe|vorbeugung von|screening auf}
        {wiedervorstellung bei|bei beschwerden wie|warnzeichen}
        {abklärung|zur abklärung} [von|einer|eines|der|des|auf]
        """,
    ),
    *rules("hypothetical", "backward", "{prophylaxe|screening}", reach=1),
    *rules(
        "hypothetical",
        "backward",
        "[bitte|ggf .|umgehende|umgehend|sofortige|sofort|erneute|jederzeit|um] {wiedervorstellung|wiedervorzustellen|wiederzukommen|arzt aufsuchen}",
        reach=3,
    ),
    *rules(
        ("family", "historical"),
        "forward",
        "{familienanamnese|fa|familiäre belastung|familiär|in der familie} [ist|sind|positiv|für|mit|:|bekannt]",
    ),
    *rules(
        ("family", "historical", "negated"),
        "forward",
        """
        {familienanamnese|fa} [ist|war|:] {leer|unauffällig|negativ|blande|bland} [für|bezüglich|hinsichtlich|bzgl .]
        {keine|ohne} {familiäre|familiären} {belastung|vorbelastung|häufung} [für|mit|bezüglich|von|an]
        """,
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
        {besserte|besserten|bessert|bessern|verbesserte|verschlechterte|veränderte|veränderten|änderte|sank|sanken|fiel|stieg} [sich] nicht
        {spricht|sprachen|sprach|reagiert|reagierte} nicht [auf]
        nicht {progredient|größenprogredient|größer|kleiner|ausreichend|adäquat|länger als|therapiert|behandelt|operiert|operabel|medikamentös|mehr ganz|mehr so|mehr größenprogredient}
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
        "negated",
        "change",
        f"{{{_NO}}} [weitere|weiteren|wesentliche|wesentlichen|relevante|signifikante|sichere] {{größenzunahme|zunahme|vergrößerung|ausdehnung|ausbreitung|progression|progredienz|verschlechterung|dislokation}} {{der|des|dieser|dieses|von|im|in}}",
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
grenzwertig vergrößert verbreitert persistiert persistieren besteht bestehen weiterhin zunehmend
rückläufig wirkt erscheint liegt liegen progredient
"""
_EXISTENCE = """
nachweisbar erkennbar abgrenzbar sichtbar vorhanden nachgewiesen gesehen festgestellt dargestellt
tastbar auskultierbar
"""
_CHANGES = """
gewachsen vergrößert verkleinert zugenommen abgenommen verändert ausgebreitet ausgedehnt verschlechtert verbessert
progredient rückläufig verlagert verschoben disloziert
"""
_CLAIM_WORDS = ClaimWords.of(
    conjunctions="dass daß",
    definite="""
        der die das den dem dieser diese dieses seine seine sein ihre ihr bekannte bekannten vorbekannte vorbekannten
        beschriebene beschriebenen vorbeschriebene vorbeschriebenen
        """,
    articles="ein eine einen einem der die das den dem",
    verbs="ist sind war waren sei hat haben hatte hatten wird wurde wurden worden geworden kann konnte wirkt",
    prepositions="in im am an auf bei mit nach von vom zu zum zur und oder",
    presence="""
        besteht bestand vorliegt vorliegen vorlag vorhanden nachweisbar erkennbar sichtbar abgrenzbar nachgewiesen gesehen noch
        persistiert existiert auftrat aufgetreten
        """,
    adjectives="kleine kleinen große großen rechte rechten linke linken rechtsseitige rechtsseitigen linksseitige linksseitigen",
)
_SINGULAR = "ist war wird wurde besteht bestand liegt lag kann konnte fehlt lässt ließ"

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
    articles=("ein", "eine", "einen", "der", "die", "das"),
    singular=_SINGULAR.split(),
    claims=("dass", "daß", "sich"),
    changes=_CHANGES.split(),
    comparatives=("größer", "kleiner", "breiter", "schlechter", "besser"),
    auxiliaries=(
        "ist",
        "sind",
        "war",
        "waren",
        "hat",
        "haben",
        "hatte",
        "hatten",
        "wird",
        "wurde",
        "geworden",
    ),
    further=("neue", "neuer", "neues", "neuen", "weitere", "weiterer", "weiteres", "weiteren"),
    claim_words=_CLAIM_WORDS,
)
"""The German rule set."""
