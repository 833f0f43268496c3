"""English rules for whose finding it is and when, written for sidelight (Apache-2.0, as all of it)."""

from .rules import rules

HISTORICAL = [
    *rules(
        "historical",
        "forward",
        """
        past [medical|surgical|psychiatric|oncologic|cardiac|obstetric] {history|hx} [is|was|are|also|otherwise|only]
        {past|medical|surgical|psychiatric|oncologic|cardiac|obstetric} {history|hx} [is|was|are] [also|otherwise|only|notable|remarkable|positive|pertinent|significant] [of|for]
        {history|hx} [is|was] {notable|remarkable|positive|pertinent|significant} for
        [known|long|longstanding|extensive|remote|previous|prior|personal|strong|distant|multiple|significant|further] {history|hx|hist} {of|for|with}
        h/o
        {pmh|pmhx|psh|pshx} [of|is|includes|significant for|notable for]
        {past|previous|prior|remote} {diagnosis|diagnoses|episode|episodes|admission|admissions} [of|for|significant for|includes]
        {previously|prior|formerly} {known|diagnosed|treated|documented|noted} [with|for|as|to have]
        {has|have|had|having} {had|been diagnosed with} [a|an] {previous|prior|past}
        [cardiac|coronary|vascular] risk factors {include|includes|including|of|are|:}
        {was|were|been} [first|initially|originally] diagnosed with
        {quit|stopped} [using|taking]
        used to
        in the past
        as a child
        {last|prior} {hospitalization|hospitalized|admission|admitted|seen} for
        {chronic|longstanding|long - standing|lifelong} history of
        <n> {months|month|years|year|decades|yrs|yr} {ago|earlier|before|prior|previously} [,] {he|she|they|the patient|there|had|was|underwent}
        in <year> [,] {he|she|they|the patient|there|had|was|underwent}
        {as|when} [he|she] [was] a {child|teenager} [,] {he|she|they|the patient|had}
        """,
    ),
    *rules(
        "historical",
        "forward",
        "{previous|previously|prior|formerly|former|remote|past|old}",
        reach=4,
        across_commas=False,
    ),
    *rules(
        "historical",
        "forward",
        """
        {status post|s/p|sp|status - post} [recent]
        {postop|post op} from
        """,
        across_commas=False,
    ),
    *rules(
        "historical",
        "backward",
        """
        {in|of|since|from|during|on|circa|around|back in} <year>
        {in|since|during} <month> [of] [,] <year>
        <n> [-] [or|to|+|plus] [<n>] {month|months|year|years|decade|decades|yr|yrs} {ago|earlier|prior|previously|before|back}
        {several|many|some} {month|months|year|years} {ago|back|earlier}
        {years|months|decades} ago
        {last|previous} {year|month|summer|winter|spring|fall}
        in the [distant|remote|recent] past
        {in|during} {childhood|adolescence|infancy}
        as a {child|teenager|young adult|baby}
        {by|per} history
        {at|since} age <n>
        {diagnosed|treated|resected|repaired|removed|excised} in <year>
        {of|as a} {unknown|remote} {date|age}
        previously
        {as|when} [he|she] [was] [a] {child|teenager|young}
        in {his|her|their} {teens|twenties|thirties|forties|youth|childhood}
        , [probably|possibly|likely|presumably] {old|remote|prior} <end>
        {is|are|was|were|appears|appear} [probably|likely|presumably] {old|remote} <end>
        """,
        reach=10,
    ),
]  # fmt: skip

HYPOTHETICAL = [
    *rules(
        "hypothetical",
        "forward",
        """
        {if|unless|in case|in the event of|should} [he|she|they|you|the patient|there] [has|have|had|develop|develops|experience|experiences|notice|notices|is|are|occur]
        {call|calls|return|returns|come back|phone|contact|notify|notifies|alert} [the|your|his|her|us|also] [md|doctor|physician|office|clinic|hospital|er|ed|emergency department|emergency room|pcp|surgeon] [immediately] {if|for|with|should}
        {call|notify|alert|contact} [the|your] {physician|doctor|md|pcp|surgeon|office} {if|for|with}
        {advised|instructed|told|asked|encouraged|educated|reminded|counseled|counselled} to {call|return|watch|look|report|notify|seek|monitor|inform|come back} [for|if|with|any|about]
        return to [the|your|our] {ed|er|emergency department|emergency room|hospital|clinic|office} {if|for|with|should}
        {return|seek} [medical|immediate|urgent] {attention|care|help} {if|for|with}
        {seek care|come back|call 911} {for|if|with}
        {educated|teaching|education|counseled|informed|warned} {about|on|regarding|of} [the] {signs|symptoms|risk|risks} [and symptoms] of
        {monitor|observe|watch|assess|check} [closely|carefully|patient|pt] for [any] [signs|symptoms|evidence|development|recurrence] [of]
        {watch|monitor|look|observe|observed|monitored|monitoring|watched|watching|screen|screened|screening} for
        {signs|symptoms} to watch for
        {warning signs|return precautions} [include|:|for|of]
        precautions {include|:|for|of}
        {evaluate|evaluated|evaluation|assess|assessed|assessment|workup|work - up|work up|investigate|check|checked|eval|test|tested|testing} for
        {risk|risks|chance|danger} {of|for|include|including|includes|factors for}
        at [increased|high|low|higher] risk {of|for}
        {prevent|prevention of|prophylaxis|prophylaxis for|prophylactic|prophylactically for|to avoid|to prevent|preventing|vaccine for|vaccination for}
        {would|could} {prompt|cause|lead to}
        {as needed|prn|p . r . n .} for
        {complications|side effects} {include|including|such as|may include|could include}
        {as if|as though} [he|she|they|i] [was|were|is] [going to|about to]
        {going|about} to
        {susceptible|predisposed|predisposing} to
        """,
    ),
    *rules("hypothetical", "backward", "{precautions|prophylaxis|screening|surveillance}", reach=1),
]  # fmt: skip

_KIN = (
    "mother|father|sister|sisters|brother|brothers|sibling|siblings|parent|parents|aunt|aunts|uncle|uncles|cousin|cousins|"
    "grandmother|grandfather|grandparent|grandparents|grandson|granddaughter|daughter|daughters|son|sons|niece|nephew|"
    "mom|dad|maternal|paternal|relative|relatives|family member|family members"
)
_NOT_KIN = "husband|wife|spouse|partner|boyfriend|girlfriend|fiance|roommate|friend|friends|neighbor|coworker|donor|caregiver"
EXPERIENCER = [
    *rules(("family", "historical"), "forward", "{family history|fh|fhx|family hx|family medical history} [of|for|significant for|positive for|is|notable for|includes]"),
    *rules("family", "both", f"{{{_KIN}}} ['s] [side]"),
    *rules("family", "both", f"{{{_KIN}}} [also] {{who|that}} [also] {{has|had|have|died|suffers|suffered|is|was|were|are}}"),
    *rules("other", "both", f"{{{_NOT_KIN}}} [also] {{who|that}} [also] {{has|had|have|died|suffers|suffered|is|was}}"),
    *rules(("family", "historical", "negated"), "forward", "{no|denies|denied|negative|without} [known|significant|relevant|pertinent|any|a] {family history|fh|fhx|family hx} [of|for]"),
    *rules("negated", "forward", f"{{{_KIN}|{_NOT_KIN}|family}} [also] {{denies|denied}} [any]"),
    *rules("family", "backward", "{runs|run|running} in {the|his|her} family"),
    *rules("other", "both", f"{{{_NOT_KIN}}} ['s]"),
    *rules("other", "forward", "{sick contact|sick contacts|exposure to|exposed to|contact with}"),
    *rules(
        "family",
        "pseudo",
        f"""
        {{per|by|from|with|lives with|living with|accompanied by|according to|brought in by}} [his|her|their|the] [patient's|pt's] {{{_KIN}|{_NOT_KIN}|family}}
        {{{_KIN}|{_NOT_KIN}|family}} [also] {{reports|reported|states|stated|says|said|notes|noted|noticed|describes|called|found|brought|was called|is concerned|was concerned}}
        {{discussed|discussion|spoke|conversation|shared|meeting}} with [the|his|her] [patient and] [his|her|the] {{{_KIN}|{_NOT_KIN}|family}}
        {{donor}} site
        son in law
        """,
    ),
]  # fmt: skip
