"""Records, labeling functions and the votes they cast: everything that reads the side modality."""

from .analysis import LFAnalysis
from .applier import ApplierMetadata, LFApplier, PandasLFApplier
from .clinical import (
    Assertion,
    ClinicalPipeline,
    ContextRule,
    RuleSet,
    assertion,
    find_sections,
    split_sentences,
)
from .context import ContextFilter
from .discover import discover, load_functions, load_schema, packs
from .examples import FailedExample, assert_examples, check_examples
from .faults import (
    FunctionError,
    InputError,
    LimitError,
    QuarantineWarning,
    SidelightError,
    UsageError,
)
from .folder import write_file, write_folder
from .function import LabelingFunction, RecordFunction, Vote, labeling_function
from .gazetteer import Gazetteer, gazetteer_lf
from .gold import align_gold, encode_gold
from .inspection import Remark, inspect_functions
from .pattern import KeywordFunction, PatternFunction, keyword_lf, regex_lf
from .preprocessor import Preprocessor, preprocessor
from .readers import READERS, Batch, QuarantinedRow, Reading, read
from .record import Event, Record
from .schema import ABSTAIN, LabelSchema
from .seeds import derive_seed, generator, keyed_fraction
from .vote_files import read_votes, write_votes
from .votes import FunctionInfo, RunStatistics, Span, VoteMatrix, as_votes

__all__ = [
    "ABSTAIN",
    "READERS",
    "ApplierMetadata",
    "Assertion",
    "Batch",
    "ClinicalPipeline",
    "ContextFilter",
    "ContextRule",
    "Event",
    "FailedExample",
    "FunctionError",
    "FunctionInfo",
    "Gazetteer",
    "InputError",
    "KeywordFunction",
    "LFAnalysis",
    "LFApplier",
    "LabelSchema",
    "LabelingFunction",
    "LimitError",
    "PandasLFApplier",
    "PatternFunction",
    "Preprocessor",
    "QuarantineWarning",
    "QuarantinedRow",
    "Reading",
    "Record",
    "RecordFunction",
    "Remark",
    "RuleSet",
    "RunStatistics",
    "SidelightError",
    "Span",
    "UsageError",
    "Vote",
    "VoteMatrix",
    "align_gold",
    "as_votes",
    "assert_examples",
    "assertion",
    "check_examples",
    "derive_seed",
    "discover",
    "encode_gold",
    "find_sections",
    "gazetteer_lf",
    "generator",
    "inspect_functions",
    "keyed_fraction",
    "keyword_lf",
    "labeling_function",
    "load_functions",
    "load_schema",
    "packs",
    "preprocessor",
    "read",
    "read_votes",
    "regex_lf",
    "split_sentences",
    "write_file",
    "write_folder",
    "write_votes",
]
