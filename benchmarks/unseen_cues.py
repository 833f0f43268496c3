"""Cues of `label_model_unseen.py`, written from what the classes mean and without a look at gold."""

NEWS = [
    (0, "iraq|baghdad|fallujah|kabul|afghan"), (0, "president|minister|prime minister|parliament"),
    (0, "killed|attack|bomb|troops|rebels"), (0, "israel|palestinian|gaza|arafat"), (0, "election|vote|votes"),
    (0, "nuclear|iran|korea"), (0, "police|hostage|militants"),
    (1, "coach|team|players?|season"), (1, "cup|championship|title|medal|olympic"), (1, "game|match|innings|quarterback"),
    (1, "win|wins|beat|defeat|victory"), (1, "league|nfl|nba|nhl|fifa"), (1, "sox|yankees|cowboys|united"),
    (2, "shares|stocks?|investors|wall street"), (2, "profit|earnings|revenue|quarter"), (2, "oil|crude|barrel|prices"),
    (2, "bank|fund|merger|takeover|deal"), (2, "sales|retail|economy|inflation"), (2, "airline|airways|boeing"),
    (3, "software|microsoft|linux|windows"), (3, "internet|web|online|google|yahoo"), (3, "space|nasa|scientists|mars"),
    (3, "phone|wireless|mobile|chip"), (3, "computer|pc|server|ibm|apple"), (3, "virus|spam|hackers|security"),
]  # fmt: skip

DIALOGUE = [
    ("FAM/SOCHX", r"\bsmok|cigar|tobacco"), ("FAM/SOCHX", r"alcohol|drink"), ("FAM/SOCHX", r"family history|mother|father|brother|sister"),
    ("FAM/SOCHX", r"married|children|live with|divorced"), ("FAM/SOCHX", r"for work|for a living|job|retired"), ("FAM/SOCHX", r"drugs?\b"),
    ("GENHX", r"how long|when did|started"), ("GENHX", r"year old|years old"), ("GENHX", r"\bpain\b"), ("GENHX", r"accident|fell|injur"),
    ("PASTMEDICALHX", r"medical (?:history|conditions|problems)"), ("PASTMEDICALHX", r"diabetes|hypertension|high blood pressure|asthma"),
    ("CC", r"what brings you|why are you here|how can i help"), ("CC", r"complain|problem today"),
    ("PASTSURGICAL", r"surger(?:y|ies)"), ("PASTSURGICAL", r"operation|appendix|hysterectomy|removed"),
    ("ROS", r"(?:any|have) (?:fever|chills|nausea|vomiting)"), ("ROS", r"chest pain|shortness of breath|weight loss|dizz"),
    ("ALLERGY", r"allerg"), ("ALLERGY", r"rash|hives|reaction|penicillin"),
    ("MEDICATIONS", r"medication|medicine|taking"), ("MEDICATIONS", r"milligram|\bmg\b|dose|twice a day"),
    ("ASSESSMENT", r"i (?:think|believe|suspect)|looks like"), ("ASSESSMENT", r"diagnos"),
    ("EXAM", r"let me (?:check|look|listen|examine)|take a (?:look|deep breath)"), ("DIAGNOSIS", r"diagnos|you have (?:a |an )"),
    ("DISPOSITION", r"discharg|go home|follow[- ]up"), ("PLAN", r"we will|i will|schedule|follow[- ]up|next week"),
    ("EDCOURSE", r"emergency|\ber\b"), ("IMMUNIZATIONS", r"vaccin|shots?\b|immuni"), ("IMAGING", r"x-?ray|ct scan|mri|ultrasound"),
    ("GYNHX", r"pregnan|period|menstrua|pap smear"), ("PROCEDURES", r"procedure|biopsy"), ("LABS", r"blood (?:test|work)|lab"),
]  # fmt: skip

OPERATION = [
    (1, "urolog"), (1, "bladder|urethra|ureter"), (1, "prostat"), (1, "kidney|renal"), (1, "urin"), (1, "penis|scrot|testi"),
    (0, "laparoscop|gallbladder|cholecyst"), (0, "knee|hip|femor|fracture"), (0, "breast|thyroid"), (0, "coronary|valve|artery"),
    (0, "tonsil|nasal|sinus"), (0, "spine|lumbar|cervical"), (0, "hernia|bowel|colon"),
]  # fmt: skip

SPAM = [
    (1, r"free\b|prize|winner|won\b"), (1, r"https?:|www\.|\.com"), (1, r"\bcall\b|txt|text\b"), (1, r"\d{5,}"), (1, r"subscribe|channel|check (?:out|my)"),
    (1, r"claim|offer|cash|£|\$"), (1, r"please (?:like|visit|help)|follow me"), (1, r"!!!|!{2}"),
    (0, r"\bi'?m\b|\bi am\b|\bi'?ll\b"), (0, r"\bhome\b|dinner|lunch|tomorrow|tonight"), (0, r"\blol\b|haha|:\)"), (0, r"love (?:this|you|it)|song|best"),
    (0, r"^\S+(?:\s\S+){0,4}$"), (0, r"\bok\b|\bok\.|sorry|where"),
]  # fmt: skip

QUESTION = [
    (0, r"^why|^how (?:do|does|did|can|is|are)"), (0, r"\bmean\b|meaning|define|definition|origin"), (0, r"^what (?:is|are) (?:the )?\w+ ?\?"), (0, r"difference|cause|reason"),
    (1, r"what (?:kind|type|color|animal|breed|sport|language|film|book|game)"), (1, r"\bname (?:the|a)\b"), (1, r"word|term|called"), (1, r"instrument|food|plant|disease|movie"),
    (2, r"^who\b"), (2, r"president|actor|author|inventor|leader"), (2, r"team|company|group|organi[sz]ation"), (2, r"wrote|invented|played|discovered"),
    (3, r"abbreviat|acronym|stand for"), (3, r"full form|expression .* mean|\b[A-Z]{2,5}\b"),
    (4, r"^where\b"), (4, r"country|city|state\b|capital|river|mountain|located|island"),
    (5, r"how (?:many|much|long|far|old|tall|big|fast)"), (5, r"^when\b|what year|what date|what day"), (5, r"population|percent|number|average|distance|temperature"),
]  # fmt: skip

MARKED = [
    (1, r"\bno\b"), (1, r"\bden(?:y|ies|ied)\b"), (1, r"\bwithout\b"), (1, r"\bnegative\b"), (1, r"\bnot\b|n't\b"), (1, r"no evidence"),
    (0, r"\bwith\b"), (0, r"\bhas\b|\bhad\b|reveal|show"), (0, r"history|diagnosis|complain|consistent"), (0, r"mild|moderate|severe|small|large"),
    (1, r"history of|\bh/o\b|hx"), (1, r"status post|s/p|previous|prior|past"), (1, r"\b(?:19|20)\d\d\b|years? ago|months? ago"), (1, r"significant for|medical history"),
    (0, r"\bis\b|\bare\b"), (0, r"today|now|currently|admission|presents?"), (0, r"exam|auscultation|abdomen|lungs|chest"), (0, r"\bno\b|denies|without"),
]  # fmt: skip

RELATION = [
    ("cause", r"caus(?:e|ed|es|ing)"), ("cause", r"induced?|due to|result(?:s|ed|ing)? (?:in|from)"), ("cause", r"associated with|related to|secondary to"), ("cause", r"lead(?:s|ing)? to|risk|produce"),
    ("cause", r"infection|virus|bacteri|agent"), ("treat", r"treat(?:ed|ment|ing|s)?\b"), ("treat", r"therapy|therapeutic|drug of choice"), ("treat", r"effective|efficacy|improve|relie"),
    ("treat", r"dose|mg\b|administ|receiv"), ("treat", r"for the (?:treatment|management|prevention)|used (?:for|in|to)"), ("other", r"patients? (?:with|who)"), ("other", r"diagnos|test|symptom|sign"),
]  # fmt: skip

ADE = [
    (1, r"-induced"), (1, r"induced by"), (1, r"induc(?:e|ed|es|ing|tion)\b"), (1, r"toxicity"), (1, r"toxic\b"), (1, r"toxic"), (1, r"adverse"), (1, r"adverse (?:event|effect|reaction)"), (1, r"side effect|adverse"),
    (1, r"associated with"), (1, r"associat(?:ed|ion)"), (1, r"develop(?:ed|ment)?"), (1, r"developed"), (0, r"treated with"), (0, r"treat(?:ed|ment)"), (0, r"treatment"), (0, r"effective"), (0, r"effective|efficacy"), (0, r"efficac"),
    (0, r"stud(?:y|ies)"), (0, r"\bstudy\b"), (0, r"diagnos"), (0, r"diagnosis"),
]  # fmt: skip
"""Wordings of the same cues, several of each."""

TOKEN = [
    (1, r"(?i)(?:ine|ide|ate|ol|one|ane|azole|cillin|mycin)$"), (1, r"(?i)^(?:meth|chlor|fluor|hydrox|di|tri|amino|keto)"), (1, r"^[A-Z]{2,5}$"), (1, r"^[A-Z]?[a-z]*\d+|[-,]\d"), (1, r"(?i)acid|sodium|lithium|calcium|oxid"),
    (0, r"^[^\w]+$"), (0, r"^[a-z]{1,4}$"), (0, r"^\d+(?:\.\d+)?$"), (0, r"(?i)(?:tion|ed|ing|ly|ous|ment|ity)$"), (0, r"(?i)patient|effect|treat|induc|dose|study|rat"), (0, r"(?i)(?:itis|osis|emia|pathy|oma)$"),
]  # fmt: skip

CHEST_LOOSE = (
    r"no acute",
    r"unremarkable|within normal limits",
    r"lungs are clear|clear lungs",
    r"\bnormal\b",
)

ECG = [
    ("left_bundle", ("CLBBB", "ILBBB"), [(1, "linksschenkelblock|left bundle|lsb|lbbb"), (1, "schenkelblock|bundle branch"), (1, r"\bblock"), (0, "normales ekg|normal ecg"), (0, "rechtsschenkelblock|right bundle|rbbb"), (0, "sinusrhythmus|sinus rhythm")]),
    ("first_degree_block", ("1AVB", "LPR"), [(1, r"av-? ?block|a-v block"), (1, r"prolonged pr|pr-?interval|pq"), (1, r"i\. ?grades|first degree"), (0, "normal"), (0, "flimmern|fibrillation"), (0, "sinus")]),
    ("extrasystoles", ("PVC", "PAC", "BIGU", "TRIGU"), [(1, "extrasystol"), (1, "ventricular ectop|ves|premature"), (1, "bigemin|trigemin"), (0, "sinusrhythmus|sinus rhythm"), (0, "normales ekg|normal ecg")]),
    ("axis_or_fascicle", ("LAFB", "LPFB"), [(1, "hemiblock|fascicular"), (1, "linksanterior|left anterior"), (1, "ueberdreht|left axis"), (0, "lagetyp normal|normal axis"), (0, "normales ekg|normal ecg"), (0, "rechtstyp|steiltyp")]),
    ("fast_or_slow", ("STACH", "SBRAD", "SVTAC"), [(1, "tachykard|tachycard"), (1, "bradykard|bradycard"), (0, "sinusrhythmus"), (0, "normal"), (0, "flimmern|fibrillation")]),
]  # fmt: skip
