"""English context rules, written for sidelight from the grammar of clinical notes (Apache-2.0, as all of it)."""

from .english_change import (
    AUXILIARIES,
    CHANGES,
    CLAIM_WORDS,
    CLAIMS,
    COMPARATIVES,
    DENIED_CLAIMS,
    FURTHER,
    UNCHANGED,
)
from .english_context import EXPERIENCER, HISTORICAL, HYPOTHETICAL
from .rules import RuleLine, rules
from .ruleset import RuleSet

_NEGATED: list[RuleLine] = [
    *rules(
        "negated",
        "forward",
        """
        no
        not
        none of
        nor
        neither
        never
        without
        w/o
        lack of
        {lacks|lacked|lacking}
        absence of
        absent
        free {of|from}
        free of any
        [is|are|was|were|be|been|being] [also|otherwise|entirely|completely] {negative|neg} for
        negative
        neg
        (-)
        -ve [for]
        non
        no {evidence|sign|signs|suggestion|indication|finding|findings|symptom|symptoms|complaint|complaints} of
        no [definite|convincing|clear|obvious|radiographic|sonographic|clinical|new|acute|significant] {evidence|sign|signs|findings} {of|for}
        no {evidence|findings} {to suggest|suggesting|suggestive of|to indicate|indicating}
        without {evidence|sign|signs|any evidence|any sign|any signs|indication} of
        no {cause|focus|source} of
        no further
        no {longer|more} {any|has|have|had}
        no {current|recent|known|apparent|obvious|acute|focal|new|other|overt|gross|definite|significant|associated|particular}
        {can|could|did|does|do|has|have|had|is|are|was|were|be|been|being|would} not
        {cannot|couldn't|can't|didn't|doesn't|don't|hasn't|haven't|hadn't|isn't|aren't|wasn't|weren't}
        {cannot|can not|could not|couldn't|did not|does not|unable to} {see|identify|appreciate|demonstrate|detect|find}
        {does|did} not {show|demonstrate|reveal|have|complain of|report|appear to have|endorse|exhibit|experience|describe}
        {not|never} {had|have|having|developed|experienced|complained of|noticed|reported|been known to have|known to have}
        not {associated with|complaining of|demonstrated|feel|see|seen|consistent with|compatible with|suggestive of|indicative of|due to|because of|caused by}
        {denies|denied|deny|denying}
        {denies|denied|denying} [any] {previous|prior|recent|current|history of|any history of}
        {declines|declined|disclaims|disclaimed}
        {rules|ruled|ruling} out [for]
        {exclude|excluded|excludes} [for]
        {rather|other} than
        {fails|failed|failure} to {show|reveal|demonstrate|detect}
        {unremarkable|nonsuspicious|insignificant} for
        {resolved|resolution of|cleared of|cured of|recovered from}
        cleared of
        {no|not} {appreciable|discernible|detectable|demonstrable|visible|visualized|palpable}
        instead of
        {nothing|none|little} {to suggest|suggesting|suggestive of|to indicate|to support}
        nil [acute|known|new|significant|other|evidence of|signs of|complaints of|c/o]
        {hardly|scarcely|barely} any
        [in the] {absence} of any
        {devoid|clear|void} of
        {argues|argue|speaks|militates|mitigates} against
        {against|excludes} [the] [a] {diagnosis|presence|possibility} of
        [has|have|had|did|does|do] {not|never} {develop|developed|become|became|suffer|suffered|sustain|sustained|meet criteria for|endorse|endorsed}
        {did|does|do} not {develop|suffer|sustain|meet criteria for|carry a diagnosis of}
        {tested|tests|test|screened|screens|screen} {negative|neg} for
        {not|never} been {diagnosed with|found to have|told of}
        {ceased|stopped} having
        negative {workup|work - up|screen|test|culture|cultures|study|evaluation} for
        {does|do|did} not {appear|seem} to {be|have|represent|reflect}
        no longer {seen|evident|present|visible|visualized|identified} {is|are|was|were} [the|any]
        nor {is|are|was|were|does|did|has|had} {he|she|it|there|the patient|they}
        nor {has|had|does he have|does she have|did he have|did she have|is there|was there|are there|were there}
        {is|are|was|were} not {evidence of|indicative of|suggestive of}
        {no|without} [any] {complications|side effects|sequelae} {such as|including|like}
        {do|does|did} not {believe|think|feel|suspect} [that] [he|she|it|the patient|patient|this|there|these|they] [is|are|has|have|was|had] [having]
        """,
    ),
    *rules(
        ("negated", "historical"),
        "forward",
        """
        {no|without|denies|denied|not have|negative for} [any] [known|prior|previous|past|significant|personal|recorded] [medical] {history|hx} {of|for}
        {no|without} {previous|prior} [history of|episodes of]
        never [had|diagnosed with]
        {does|do|did} not {give|have|report|provide|endorse} [a|any] {history|hx} of
        """,
    ),
    *rules(
        "negated",
        "backward",
        """
        {is|are|was|were|be|been|appears|remains|remained} {absent|negative|denied|excluded}
        {absent|denied}
        {was|were|is|are|has been|have been|been} {ruled out|excluded|denied|resolved}
        ruled out
        {is|are|was|were|has been|have been|be|been} {not|never} [clearly|definitely|readily|currently|well] {seen|identified|present|demonstrated|visualized|appreciated|evident|detected|found|noted|observed|visible|felt|palpable|shown|suspected|confirmed|elicited|heard|reported}
        not [clearly|definitely|readily] {seen|identified|present|demonstrated|visualized|appreciated|evident|detected|found|noted|observed|visible|suspected|elicited|heard}
        {isn't|aren't|wasn't|weren't} {seen|present|identified|noted|evident}
        no longer {seen|present|identified|evident|visible|visualized|apparent|noted|detected|demonstrated|appreciated|an issue|a problem|<end>}
        {has|have|had} {not|never} [since|yet] {occurred|recurred|developed|returned|been seen|been documented|been demonstrated|been identified}
        {cannot|could not|can not|couldn't} [be] [clearly|reliably|confidently] {seen|identified|demonstrated|visualized|appreciated|found|detected|elicited|palpated}
        {is|was|were|are} [now|since|all] {gone|disproved|disproven|refuted}
        {went|gone} away
        {not|never} {recurred|a concern|an issue|a problem|a feature|elicited|palpated|auscultated|reproduced|endorsed}
        {came back|returned|tested|screened} {negative|neg}
        {:|-} {none|no|negative|neg|absent|denies|denied|nil} <end>
        : - <end>
        ( - ) <end>
        {is|are|was|were} not {a concern|an issue|a problem|a feature|of concern}
        {none|nil} <end>
        {is|are|was|were} {nil|none}
        {has|have|had} [now|since|completely|also|all] [completely] resolved
        {seems|seemed|appears|appeared} to have {resolved|subsided|cleared|disappeared}
        resolved
        {subsided|abated|disappeared}
        {has|have|had} {subsided|abated|disappeared|cleared|gone away}
        {free|negative} <end>
        {was|were|is|are} [within] {neg|nonreactive}
        {did|does|do} not {occur|recur|develop|return|appear|materialize}
        """,
        reach=8,
    ),
    *rules("negated", "backward", "free {since|now|today|currently|at this time|for|on}", reach=1),
    *rules(
        ("negated", "uncertain"),
        "backward",
        """
        {is|are|was|were|seems|appears|felt to be|thought to be} [very|highly|considered|less|felt to be|thought to be] {unlikely|improbable}
        [very|highly|less] {unlikely|doubtful} <end>
        {less|not} likely <end>
        """,
        reach=8,
    ),
    *rules(
        ("negated", "uncertain"),
        "forward",
        """
        {unlikely|doubt|doubtful} [for|that|to be|to have|to represent|to reflect]
        {low|lower|little|minimal} {probability|suspicion|likelihood|concern|index of suspicion} {of|for}
        {highly|very} unlikely {to be|to have|to represent}
        probably {not|no}
        {not|less} {likely|thought to be|felt to be} [to be|to represent|due to]
        """,
    ),
]  # fmt: skip

_UNCERTAIN = [
    *rules(
        "uncertain",
        "forward",
        """
        {possible|possibly|probable|probably|presumed|presumably|presumptive|questionable|perhaps|maybe|potential|potentially|equivocal}
        {possibility|probability|likelihood|question} {of|for}
        {may|might|could|would} [also] {be|have|represent|reflect|indicate|suggest|relate to|be due to|be related to|be secondary to|be from}
        {may|might|could}
        {likely|most likely|more likely} [to be|represents|representing|reflecting|due to|secondary to|related to]
        {suspect|suspects|suspected|suspecting|suspicious for|suspicion of|suspicion for|suspicious of}
        {suggest|suggests|suggested|suggesting|suggestive of|suggestion of}
        {concern|concerns|concerning|concerned|worry|worried|worrisome} {for|about|of}
        {consider|considered|considering|consideration of}
        {possibly|probably|likely|presumably|perhaps|potentially} {has|had|secondary to|due to|related to|from|because of|caused by|reflecting|representing|attributable to}
        {unclear|uncertain|unknown|unsure|not sure|not certain} {if|whether} [he|she|there|this|it|the patient|these] [has|had|is|was|are|represents|represent|developed]
        {question|questions|questioned|wonder|wondering} {whether|if} [he|she|there|this|it|the patient] [has|had|is|was]
        {favor|favors|favored|favoring|favours|favoured|favouring} [to be|to represent|a|an]
        {working diagnosis|presumptive diagnosis|provisional diagnosis|ddx} {of|includes|include|:|is}
        {indistinguishable|difficult to distinguish|difficult to differentiate} from
        {to|should|please|must|in order to|needs to|need to|or|and} exclude
        {for|pending} exclusion of
        {not|without} {excluding|entirely excluding}
        {raises|raised|raise|raising} {concern|concerns|suspicion} {for|of}
        {high|moderate|strong|clinical|some|intermediate|increased|raised} {suspicion|concern|probability|index of suspicion} {for|of}
        {worrisome|suggestive|suspicious|concerning} {for|of} {a|an|the}
        {cannot|can not|can't|could not|couldn't} [be] [completely|entirely|definitely|definitively|fully] {exclude|excluded|rule out|be excluded|be ruled out}
        {unable to|difficult to|does not|do not|did not} {exclude|rule out}
        not {exclude|excluding|rule out|ruling out}
        {to|please|will|would|should|must|evaluate to|in order to|need to|needs to} rule out
        {rule out|r/o|query}
        {rule-out|rule outs}
        {appears|appear|appeared|seems|seem} to {be|have|represent}
        {thought|felt|believed|presumed} to {be|have|represent|reflect}
        {not certain|uncertain|unclear|unsure|not sure|not clear|unknown} {if|whether|for}
        {differential diagnosis|differential|differential considerations} [of|for|includes|include|including|diagnosis]
        {versus|vs}
        {consistent|compatible} with possible
        {raise|raises|raising} {the|a} {possibility|question|suspicion} of
        {vs .|?|/ ?}
        {wonder|wondering} about
        {is|was|seems|remains} [also|quite|very|most] {likely|possible|probable|conceivable|doubtful|plausible} that [this|it|he|she|these] [represents|is|has|had|reflects]
        {may|might|could} {have|also have} {had|been|developed|suffered|represented} [a|an]
        {indeterminate|inconclusive} for
        {borderline|early|developing} {versus|vs}
        """,
    ),
    *rules(
        "uncertain",
        "backward",
        """
        {cannot|can not|can't|could not|couldn't|may not|not} be [completely|entirely|definitely|definitively|fully] {excluded|ruled out}
        {is|are|was|were|has|have} not [been] [completely|entirely|definitively] {excluded|ruled out}
        not [entirely|completely|definitively] {excluded|ruled out}
        {is|are|was|were|remains|remain} {possible|probable|likely|suspected|questionable|questioned|considered|in question|in the differential|uncertain|a possibility|a consideration|a concern}
        {suspected|possible|probable|likely|questionable|equivocal}
        {to|should|must|need to|needs to} be {ruled out|excluded}
        {versus|vs|vs .}
        [are|is|though|felt|considered] {less likely|unlikely} {but|though|although} {not|cannot be} [entirely|completely] {excluded|ruled out|impossible}
        , {likely|probably|possibly|presumably|suspected|questionable} <end>
        {is|are|was|were|remains} [still|also|the] {favored|favoured|suspected|presumed|unconfirmed|unproven|leading diagnosis|conceivable|plausible}
        {cannot|can not|could not} [entirely|completely] be {discounted|dismissed|differentiated|distinguished}
        [would be|may be|can be|is|are|was] {difficult|hard|impossible|not possible} to [entirely|completely|definitively] {exclude|rule out}
        {would be|should be|is|was} [on|in] [the] {differential|the ddx|consideration}
        {?}
        """,
        reach=6,
    ),
]  # fmt: skip

_PSEUDO = rules(
    "negated",
    "pseudo",
    """
    {not|no} {only|necessarily|just|merely|simply}
    {gram|rh|culture|hiv|hcv|coombs|guaiac|heme|er|pr|her <n>} [-] {negative|neg}
    {without|with no} [any|further|much|significant] {difficulty|difficulties|complication|complications|incident|assistance}
    no [other] {suspicious|additional} {change}
    not {drain|extend}
    no [specific|clear|definite|good|known] {diagnosis|explanation|treatment|medication|therapy|reason} for
    not {submitted|available|obtained|obtainable|performed|done|given|included|applicable}
    not {certain|sure} {if|whether}
    {not} [been] {compliant|taking|tolerate|tolerated|able|candidate|improved|improving|relieved|better|controlled|well|resolve|resolved|responding|respond|changed|completely resolved|fully resolved}
    {no|not} [significant|much|any|longer] {improvement|relief|response|resolution}
    no {doubt|question}
    {do|does|did|would|could|should|will} not {hesitate|explain}
    no matter
    no {, he|, she|one|. <n>|# <n>}
    no {mg|.} <n>
    {negative} {pressure|inspiratory}
    {non} {-} {compliant|compliance|insulin|small|tender|specific|productive|obstructive|obstructing|hodgkin|displaced|st|q}
    {may|might|could} not
    pain - free {interval|period|days}
    may <n>
    may {of|<year>}
    {if|when} {possible}
    {as soon as|if|when|where|wherever|as} possible
    as {likely|possible}
    {will|would|may} return
    """,
) + rules(
    "historical",
    "pseudo",
    """
    {clinical|patient|brief|interval|presenting|patient's|relevant} {history|hx}
    {previous|prior|last|old|past|former} {hospital|clinic|visit|visits|physician|doctor|provider|facility|appointment|evaluation|note|notes|medication|medications|dose|level|levels|value|values}
    {history|hx} of {present|the present|presenting|current} {illness|condition|complaint|problem}
    {history|hx} [and|&] {physical|exam|examination}
    history , {physical|examination}
    {history|hx} {taking|obtained|provided|limited|unobtainable|per}
    {past|last|previous|prior} <n> {hour|hours|hrs|day|days|week|weeks}
    <n> [-] [to|-] [<n>] [-] {hour|hours|day|days|week|weeks|hr|wk} [long] {history|hx} of
    {several|few|couple} [of] [-] {hour|day|days|week|weeks} {history|hx} of
    {poor|social|psychiatric} {historian}
    {prior|previous|old} {to|study|studies|exam|examination|examinations|film|films|report|reports|ct|mri|radiograph|radiographs|x - ray|comparison|imaging|scan|scans|chest|ecg|ekg|records|record|tracing|tracings|echo}
    [compared|comparison|unchanged|stable|similar] {to|with|from} [the|a] {prior|previous|old}
    <n> {year|years|yr|month|months|yo|y} [-] old
    {year|years|month|months|week|day|yr|]} [-] old
    - old
    {how|years|months|weeks|days|hours} old
    old {man|woman|male|female|gentleman|lady|boy|girl|patient}
    {half|past} {midnight|noon|due}
    """,
)  # fmt: skip

_PSEUDO += rules("negated", "pseudo", "{although|but|though} {that|this|it|these|those|they}")
_PSEUDO += rules(
    "negated",
    "pseudo",
    """
    nil {by mouth|per os|po}
    {such as|as well as|as yet|as of}
    not {started|restarted|continued|discharged|treated|eligible|indicated|recommended|scheduled|planned|interested|using|wearing|sleeping|eating|working|ambulating|healing|amenable|optimized|optimally} [on|for|with|in|of|to]
    {not|never} [been] {bothered|limited|affected|precluded|prevented} by
    {no|not} {larger|smaller|worse|better|different|enlarged since|bigger}
    {not|no} [yet|fully|completely|entirely|totally] {resolved|healed|cleared|gone|subsided|abated}
    {not} {due to|because of|explained by|attributable to|related to} {his|her|the|their}
    {not|no} previously {present|seen|noted|known|described|identified|documented|reported|appreciated}
    {<n>} [-] may
    {in|since|on|last|of|from|until|by|late|early|mid} may
    no {fewer|less} than
    no {wonder|surprise}
    no {smoking|lifting|driving|shower|showers|baths|heavy|strenuous|alcohol|diet|code|cpr}
    """,
)
_EVERY = ("negated", "uncertain", "historical", "hypothetical", "family", "other")
_STOPS = [
    *rules(
        _EVERY,  # type: ignore[arg-type]
        "stop",
        """
        {but|however|although|though|yet|nevertheless|nonetheless|whereas|while|except|apart from|aside from|besides|still}
        ;
        {other than|with the exception of|except for}
        """,
    ),
    *rules(_EVERY, "stop_ahead", "{who|whom|which|whose}\n{which|who|that} {is|are|was|were|has|have}"),  # type: ignore[arg-type]
    *rules(
        ("negated", "uncertain"),
        "stop",
        """
        {because|since|as|due to|secondary to|related to|resulting from|caused by|attributed to|in the setting of|given|after|following|despite}
        {because of|as a cause for|as the cause of|as the reason for|as an etiology for|as a source for|for which|in order to|so that}
        {to explain|to account for|to}
        {and|,} [he|she|it|they|the patient|there] {is|are|was|were|has|have|had|will|reports|states|notes|remains|continues|appears|developed|presented|came|went|began|started|complains|underwent|received|required}
        {he|she|patient|pt} {is|was|has|had|will|reports|states|notes|remains|continues|admits|developed|complains|presents}
        there {is|are|was|were|has been}
        {does|did} {have|report|note|complain|endorse|admit|describe|show|demonstrate}
        {positive for|complains of|complaining of|complained of|presents with|presented with|presenting|presenting with|admits to|admits|reports|endorses|notable for|significant for|remarkable for|developed|with persistent|persistent|has|had a|had an|had some|remains|continues to have|shows|showed|reveals|revealed|demonstrates|demonstrated|consistent with|compatible with}
        {status post|s/p|history of|h/o}
        {in addition|instead|rather|otherwise|only|just|but with|and with}
        {and|,} {her|his|its|their}
        {breath sounds|bowel sounds|heart sounds|vital signs|pulses}
        {positive|+}
        """,
    ),
    *rules(("negated", "uncertain", "historical"), "stop", "now with"),
    *rules(
        "historical",
        "stop",
        """
        {, with|and with|<year> with|recent|recently|most recently|presents|presented|presenting|presenting with|presents with|presented with|who presents|admitted|comes in|came in|came to|now|today|currently|complains of|complaining of|complained of|is here|is now|was brought|brought in|was found to|was admitted|was transferred|transferred|referred|on admission|at present|at this time|this morning|this time|new onset|acute onset|new|developed|reports|denies|states|with complaint of|with complaints of|with chief complaint of|chief complaint of|with a chief complaint of|being admitted|evaluated|undergoing|and is|and was|and has|and now|will}
        """,
    ),
    *rules(
        "hypothetical",
        "stop",
        "{because|since|was found|were found|he was|she was|revealed|showed|shows|which showed|demonstrated}",
    ),
    *rules(
        ("family", "other"),
        "stop",
        "{patient|patient's|pt|himself|herself|he|she|personal history|past medical history|his own|her own|and a personal}",
    ),
]  # fmt: skip

_PREDICATES = """
is are was were has have had remains appears appear normal clear intact unremarkable stable regular
supple soft nontender equal reactive symmetric symmetrical benign moist alert oriented positive
afebrile unchanged present mild moderate severe increased decreased persists persist continues
worsened improved shows demonstrates became increases
"""
_EXISTENCE = """
seen noted identified present appreciated found detected visualized evident demonstrated heard
observed reported elicited palpated felt visible apparent suspected
"""

ENGLISH = RuleSet(
    "en",
    [
        *_UNCERTAIN,
        *_NEGATED,
        *DENIED_CLAIMS,
        *UNCHANGED,
        *HISTORICAL,
        *HYPOTHETICAL,
        *EXPERIENCER,
        *_STOPS,
        *_PSEUDO,
    ],
    sections={
        "past_medical_history": ("historical",),
        "past_surgical_history": ("historical",),
        "social_history": ("historical",),
        "allergies": ("historical",),
        "family_history": ("family", "historical"),
        "instructions": ("hypothetical",),
    },
    predicates=_PREDICATES.split(),
    existence=_EXISTENCE.split(),
    articles=("a", "an", "the", "there"),
    singular=("is", "was", "has", "remains", "appears", "seems", "isn't", "wasn't"),
    claims=CLAIMS,
    changes=CHANGES.split(),
    comparatives=COMPARATIVES.split(),
    auxiliaries=AUXILIARIES.split(),
    further=FURTHER,
    claim_words=CLAIM_WORDS,
)
"""The English rule set."""
