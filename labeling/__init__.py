"""Records, labeling functions and the votes they cast: everything that reads the side modality."""

from .analysis import LFAnalysis
from .analysis_pairs import Duplicate
from .annotator import annotator_lf
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
from .codes import CodeSet, read_code_tree
from .combinators import CombinedFunction, cascade, first_of
from .consistency import add_consistency
from .context import ContextFilter
from .dates import DateMention, dated_lf, find_dates
from .declared import DeclaredFunction
from .diff import FunctionChange, diff
from .discover import discover, load_functions, load_schema, packs
from .event_functions import event_lf, rise_lf
from .examples import FailedExample, assert_examples, check_examples
from .faults import (
    ColumnError,
    FunctionError,
    InputError,
    LimitError,
    QuarantineWarning,
    SidelightError,
    UsageError,
)
from .finding import finding_lf
from .folder import write_file, write_folder
from .function import LabelingFunction, RecordFunction, Vote, labeling_function
from .gazetteer import Gazetteer, gazetteer_lf
from .gold import align_gold, encode_gold
from .inspection import inspect_functions
from .leave_one_out import Worth
from .neighbourhood import HashedText, neighbour_lf
from .nlp import NLPLabelingFunction, SpacyPreprocessor, matcher_lf, nlp_labeling_function
from .numeric import numeric_lf
from .pattern import KeywordFunction, PatternFunction, keyword_lf, regex_lf
from .preprocessor import Preprocessor, preprocessor
from .prompt import PromptFunction, allow_prompts, prompt_lf
from .readers import READERS, Batch, QuarantinedRow, Reading, read
from .record import Event, Record
from .sample_run import Remark
from .schema import ABSTAIN, LabelSchema
from .seeds import derive_seed, generator, keyed_fraction
from .show import ShownVote
from .suggest import Suggestion
from .transform import (
    ApplyAllPolicy,
    ApplyEachPolicy,
    ApplyOnePolicy,
    MeanFieldPolicy,
    PandasTFApplier,
    RandomPolicy,
    TFApplier,
    TransformationFunction,
    find_flips,
    transformation_function,
)
from .unlabeled import filter_unlabeled_dataframe, get_label_buckets
from .vote_files import iter_votes, read_votes, write_votes
from .votes import FunctionInfo, RunStatistics, Span, VoteMatrix, as_votes

__all__ = [
    "ABSTAIN",
    "READERS",
    "ApplierMetadata",
    "ApplyAllPolicy",
    "ApplyEachPolicy",
    "ApplyOnePolicy",
    "Assertion",
    "Batch",
    "ClinicalPipeline",
    "CodeSet",
    "ColumnError",
    "CombinedFunction",
    "ContextFilter",
    "ContextRule",
    "DateMention",
    "DeclaredFunction",
    "Duplicate",
    "Event",
    "FailedExample",
    "FunctionChange",
    "FunctionError",
    "FunctionInfo",
    "Gazetteer",
    "HashedText",
    "InputError",
    "KeywordFunction",
    "LFAnalysis",
    "LFApplier",
    "LabelSchema",
    "LabelingFunction",
    "LimitError",
    "MeanFieldPolicy",
    "NLPLabelingFunction",
    "PandasLFApplier",
    "PandasTFApplier",
    "PatternFunction",
    "Preprocessor",
    "PromptFunction",
    "QuarantineWarning",
    "QuarantinedRow",
    "RandomPolicy",
    "Reading",
    "Record",
    "RecordFunction",
    "Remark",
    "RuleSet",
    "RunStatistics",
    "ShownVote",
    "SidelightError",
    "SpacyPreprocessor",
    "Span",
    "Suggestion",
    "TFApplier",
    "TransformationFunction",
    "UsageError",
    "Vote",
    "VoteMatrix",
    "Worth",
    "add_consistency",
    "align_gold",
    "allow_prompts",
    "annotator_lf",
    "as_votes",
    "assert_examples",
    "assertion",
    "cascade",
    "check_examples",
    "dated_lf",
    "derive_seed",
    "diff",
    "discover",
    "encode_gold",
    "event_lf",
    "filter_unlabeled_dataframe",
    "find_dates",
    "find_flips",
    "find_sections",
    "finding_lf",
    "first_of",
    "gazetteer_lf",
    "generator",
    "get_label_buckets",
    "inspect_functions",
    "iter_votes",
    "keyed_fraction",
    "keyword_lf",
    "labeling_function",
    "load_functions",
    "load_schema",
    "matcher_lf",
    "neighbour_lf",
    "nlp_labeling_function",
    "numeric_lf",
    "packs",
    "preprocessor",
    "prompt_lf",
    "read",
    "read_code_tree",
    "read_votes",
    "regex_lf",
    "rise_lf",
    "split_sentences",
    "transformation_function",
    "write_file",
    "write_folder",
    "write_votes",
]
