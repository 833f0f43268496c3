"""English rules for what has not changed, or is not so, and so is there; written for sidelight (Apache-2.0, as all of it)."""

from .claims import ClaimWords
from .rules import rules

DENIED_CLAIMS = [
    *rules(
        "negated",
        "pseudo",
        """
        {evidence|indication|sign|signs|suggestion|hint|proof|reason to believe|reason to think|reason to suspect} [that] {that|the|this|these|his|her|their|its|both|either}
        {evidence|indication|sign|signs|suggestion|hint|proof|reason to believe|reason to think|reason to suspect} [that] {he|she|it|they|there|patient|the patient|pt} {is|are|was|were|has|have|had} [ever] [had|been|developed]
        {evidence|indication|sign|signs|suggestion|hint|proof|reason to believe|reason to think|reason to suspect} [that] {he|she|it|they|patient|the patient|pt} [ever] {developed|sustained|suffered|experienced}
        that {the|this|these|his|her|their}
        that {he|she|they|there|patient|the patient|pt} {is|are|was|were|has|have|had} [ever] [had|been|developed]
        """,
    ),
    *rules(
        "negated",
        "forward",
        """
        {denies|denied|denying} [that] {that|the|this|these|his|her|their}
        {denies|denied|denying} [that] {he|she|they|there|patient|the patient} {is|are|was|were|has|have|had} [had|having|been|developed]
        {do|does|did} not {believe|think|feel|suspect} [that] {the|these|his|her|their}
        {nothing|none|little} {to suggest|suggesting|to indicate|indicating} [that] {that|the|this|these|his|her|their}
        """,
    ),
]
"""Claims that may be denied. A subject and its verb at their end are no clause that ends the denial: what follows is denied."""

UNCHANGED = rules(
    "negated",
    "change",
    """
    no {increase|decrease|interval increase|further increase|further decrease}
    {no|without|not} [any] [significant|substantial|definite|appreciable|interval|acute|major|other|new] [interval] {change|changed|changes|difference|progression} {in|of|to|from|since|compared|with|when|as}
    {no|without} [any|further|significant|substantial|definite|appreciable|obvious|clear|new] [interval] {enlargement|expansion|displacement|extension|migration|progression|spread|worsening} {of|in}
    {no|without} {evidence|sign|signs|suggestion|indication} of [any|further|significant|new] [interval] {enlargement|expansion|displacement|extension|migration|progression|spread|worsening} {of|in}
    {no|without} [any|further|significant|substantial|definite|appreciable|obvious|clear|new] [interval] growth {of|in} {the|this|these|his|her|their|known}
    {no|without} {evidence|sign|signs|suggestion|indication} of [any|further|significant|new] [interval] growth {of|in} {the|this|these|his|her|their|known}
    """,
)
"""Denials of a change. Growth needs an article: "no growth of bacteria" denies the bacteria."""

CLAIMS = ("that", "the", "this", "these", "his", "her", "their", "its", "both", "either")
CHANGES = """
grown growing grew increased increasing enlarged enlarging expanded expanding extended extending spread spreading
progressed progressing worsened worsening changed changing evolved evolving moved migrated shifted displaced
decreased decreasing diminished shrunk improved improving healed healing resolved resolving regressed recovered
"""
COMPARATIVES = "larger bigger smaller worse better longer wider thicker deeper more less"
AUXILIARIES = "has have had is are was were become became becoming getting got been"
CLAIM_WORDS = ClaimWords.of(
    conjunctions="that",
    definite="the this these those his her their its my both either neither known existing preexisting previously prior",
    articles="a an any the this these those his her their its",
    verbs="""
        is are was were be been has have had does do did can could may might will would should remains remain remained
        became become becomes represents represent represented reflects reflect reflected causes cause caused causing involves
        involve involved invades invade invaded contains contain contained extends extend extended shows show showed
        demonstrates demonstrate demonstrated reveals reveal revealed suggests suggest indicates indicate produces produce
        produced leads lead led results resulted develops developed harbors harbor compresses compress compressed affects
        affect affected suffers suffered sustained experienced underwent received reports reported complains
        """,
    prepositions="of in on at to from with within without by for near along around since until during after and or nor",
    presence="""
        present there seen noted identified found detected visualized visible evident apparent appreciated demonstrated
        real still again
        """,
    arrivals="""
        exists exist existed persists persist persisted remains remain remained recurs recurred returned occurs occurred
        developed formed appeared arisen
        """,
)
"""How the subject of a claim is told: "no evidence that the hernia is incarcerated" denies no hernia."""
FURTHER = ("new", "newer", "additional", "further", "other", "another")
