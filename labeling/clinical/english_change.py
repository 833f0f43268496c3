"""English rules for what has not changed, and so is there; written for sidelight (Apache-2.0, as all of it)."""

from .rules import rules

DENIED_CLAIMS = [
    *rules(
        "negated",
        "pseudo",
        """
        {evidence|indication|sign|signs|suggestion|hint|proof|reason to believe|reason to think|reason to suspect} [that] {that|the|this|these|his|her|their}
        {evidence|indication|sign|signs|suggestion|hint|proof|reason to believe|reason to think|reason to suspect} [that] {he|she|it|they|there|patient|the patient|pt} {is|are|was|were|has|have|had} [ever] [had|been|developed]
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

CLAIMS = ("that", "the", "this", "these", "his", "her", "their")
CHANGES = """
grown growing grew increased increasing enlarged enlarging expanded expanding extended extending spread spreading
progressed progressing worsened worsening changed changing evolved evolving moved migrated shifted displaced
decreased decreasing diminished shrunk improved improving healed healing resolved resolving regressed recovered
"""
COMPARATIVES = "larger bigger smaller worse better longer wider thicker deeper more less"
AUXILIARIES = "has have had is are was were become became becoming getting got been"
FURTHER = ("new", "newer", "additional", "further", "other", "another")
