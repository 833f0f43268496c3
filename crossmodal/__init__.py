"""Labels that come from reports become models of the signals and images those reports describe."""

from typing import TYPE_CHECKING, Any

from .bags import Bags
from .calibration import Reliability, brier_score, fit_temperature, reliability, scaled_softmax
from .contract import InputContract
from .duplicate_studies import find_duplicate_studies
from .duplicates import Duplicates, find_duplicate_texts
from .evaluation import Comparison, ComparisonRow, compare_scores
from .formats import FORMATS, Study, read_study
from .gold_mixing import GoldShare, mix_gold, search_gold_share
from .inputs import ArrayInputs, Inputs, as_inputs
from .label_choice import TextDecision, decide_labels
from .label_errors import ErrorCheck, check_label_errors
from .leads import canonical_leads, twelve_leads
from .learning_curve import LearningCurve, fit_learning_curve, hand_label_equivalent, nested_samples
from .link import Linked, LinkLimitError, LinkReport, link
from .missing import MissingTrainingError, imported_late
from .operating import DecisionCurve, OperatingPoint, choose_threshold, decision_curve, operating_point
from .predictions import Predictions
from .prevalence import estimate_share
from .repair import bootstrap_uncertainty, fit_repaired, repair_scores
from .search import Search, Trial, search_settings
from .selection import Queue, clash, conflict, k_centers, select_next, uncertainty
from .shortcuts import remove_shortcut
from .signal_stream import SignalStream
from .signals import SetAside, SignalSet
from .split import LeakError, Split, check_split, patient_folds, patient_split
from .stratified_split import joined_units, stratified_folds, stratified_split
from .study_files import StudyFiles
from .summary import summarize
from .targets import Targets, as_targets
from .text_model import TextModel
from .time_to_quality import TimeToQuality, time_to_quality
from .trade_off import TradeOff, trade_off
from .validation_splits import site_split, time_split

if TYPE_CHECKING:
    from .augment import AUGMENTATIONS as AUGMENTATIONS
    from .augment import BagAugment as BagAugment
    from .augment import ImageAugment as ImageAugment
    from .augment import SignalAugment as SignalAugment
    from .batches import Augment as Augment
    from .batches import Batch as Batch
    from .batches import BatchLoader as BatchLoader
    from .batches import RowAugment as RowAugment
    from .batches import Sampler as Sampler
    from .bundle import Bundle as Bundle
    from .bundle import load_bundle as load_bundle
    from .bundle import save_bundle as save_bundle
    from .classifier import CrossModalClassifier as CrossModalClassifier
    from .dilated import DilatedNet1d as DilatedNet1d
    from .distillation import Distillation as Distillation
    from .encoders import ENCODERS as ENCODERS
    from .encoders import ResNet1d as ResNet1d
    from .heads import HEADS as HEADS
    from .heads import LinearHead as LinearHead
    from .image_encoders import DenseNet2d as DenseNet2d
    from .image_encoders import ResNet2d as ResNet2d
    from .losses import LOSSES as LOSSES
    from .mixing import MixedReweighting as MixedReweighting
    from .multi_label import BinaryCrossEntropy as BinaryCrossEntropy
    from .multi_label import as_multi_label as as_multi_label
    from .onnx_export import ParityError as ParityError
    from .onnx_export import export_onnx as export_onnx
    from .pooling import BagEncoder as BagEncoder
    from .pooling import instance_scores as instance_scores
    from .private_training import PrivacySpent as PrivacySpent
    from .private_training import fit_privately as fit_privately
    from .recurrent_text import RecurrentTextModel as RecurrentTextModel
    from .reweighting import ClassReweighting as ClassReweighting
    from .reweighting import InstanceReweighting as InstanceReweighting
    from .robust_losses import ForwardCorrection as ForwardCorrection
    from .robust_losses import GeneralizedCrossEntropy as GeneralizedCrossEntropy
    from .robust_losses import SymmetricCrossEntropy as SymmetricCrossEntropy
    from .scoring import Scored as Scored
    from .scoring import score_studies as score_studies
    from .self_training import SelfTraining as SelfTraining
    from .self_training import UncoveredSampler as UncoveredSampler
    from .soft_loss import RowLoss as RowLoss
    from .soft_loss import SoftCrossEntropy as SoftCrossEntropy
    from .soft_loss import cross_entropy_with_probs as cross_entropy_with_probs
    from .training import Progress as Progress
    from .views import corrections as corrections
    from .views import fit_view_weights as fit_view_weights
    from .views import view_logits as view_logits
    from .views import weighted_logits as weighted_logits

_LATE = {
    "AUGMENTATIONS": "augment",
    "Augment": "batches",
    "BagAugment": "augment",
    "BagEncoder": "pooling",
    "Batch": "batches",
    "BatchLoader": "batches",
    "RowAugment": "batches",
    "BinaryCrossEntropy": "multi_label",
    "Bundle": "bundle",
    "ClassReweighting": "reweighting",
    "CrossModalClassifier": "classifier",
    "DenseNet2d": "image_encoders",
    "DilatedNet1d": "dilated",
    "Distillation": "distillation",
    "ENCODERS": "encoders",
    "ForwardCorrection": "robust_losses",
    "GeneralizedCrossEntropy": "robust_losses",
    "HEADS": "heads",
    "ImageAugment": "augment",
    "InstanceReweighting": "reweighting",
    "LOSSES": "losses",
    "LinearHead": "heads",
    "MixedReweighting": "mixing",
    "ParityError": "onnx_export",
    "PrivacySpent": "private_training",
    "Progress": "training",
    "RecurrentTextModel": "recurrent_text",
    "ResNet1d": "encoders",
    "ResNet2d": "image_encoders",
    "RowLoss": "soft_loss",
    "Sampler": "batches",
    "Scored": "scoring",
    "SelfTraining": "self_training",
    "SignalAugment": "augment",
    "SoftCrossEntropy": "soft_loss",
    "SymmetricCrossEntropy": "robust_losses",
    "UncoveredSampler": "self_training",
    "as_multi_label": "multi_label",
    "corrections": "views",
    "cross_entropy_with_probs": "soft_loss",
    "export_onnx": "onnx_export",
    "fit_privately": "private_training",
    "fit_view_weights": "views",
    "instance_scores": "pooling",
    "load_bundle": "bundle",
    "save_bundle": "bundle",
    "score_studies": "scoring",
    "view_logits": "views",
    "weighted_logits": "views",
}
"""Names that need torch, and the file each is in: imported when first asked for."""

__all__ = [
    "AUGMENTATIONS",
    "ENCODERS",
    "FORMATS",
    "HEADS",
    "LOSSES",
    "ArrayInputs",
    "Augment",
    "BagAugment",
    "BagEncoder",
    "Bags",
    "Batch",
    "BatchLoader",
    "BinaryCrossEntropy",
    "Bundle",
    "ClassReweighting",
    "Comparison",
    "ComparisonRow",
    "CrossModalClassifier",
    "DecisionCurve",
    "DenseNet2d",
    "DilatedNet1d",
    "Distillation",
    "Duplicates",
    "ErrorCheck",
    "ForwardCorrection",
    "GeneralizedCrossEntropy",
    "GoldShare",
    "ImageAugment",
    "InputContract",
    "Inputs",
    "InstanceReweighting",
    "LeakError",
    "LearningCurve",
    "LinearHead",
    "LinkLimitError",
    "LinkReport",
    "Linked",
    "MissingTrainingError",
    "MixedReweighting",
    "OperatingPoint",
    "ParityError",
    "Predictions",
    "PrivacySpent",
    "Progress",
    "Queue",
    "RecurrentTextModel",
    "Reliability",
    "ResNet1d",
    "ResNet2d",
    "RowAugment",
    "RowLoss",
    "Sampler",
    "Scored",
    "Search",
    "SelfTraining",
    "SetAside",
    "SignalAugment",
    "SignalSet",
    "SignalStream",
    "SoftCrossEntropy",
    "Split",
    "Study",
    "StudyFiles",
    "SymmetricCrossEntropy",
    "Targets",
    "TextDecision",
    "TextModel",
    "TimeToQuality",
    "TradeOff",
    "Trial",
    "UncoveredSampler",
    "as_inputs",
    "as_multi_label",
    "as_targets",
    "bootstrap_uncertainty",
    "brier_score",
    "canonical_leads",
    "check_label_errors",
    "check_split",
    "choose_threshold",
    "clash",
    "compare_scores",
    "conflict",
    "corrections",
    "cross_entropy_with_probs",
    "decide_labels",
    "decision_curve",
    "estimate_share",
    "export_onnx",
    "find_duplicate_studies",
    "find_duplicate_texts",
    "fit_learning_curve",
    "fit_privately",
    "fit_repaired",
    "fit_temperature",
    "fit_view_weights",
    "hand_label_equivalent",
    "instance_scores",
    "joined_units",
    "k_centers",
    "link",
    "load_bundle",
    "mix_gold",
    "nested_samples",
    "operating_point",
    "patient_folds",
    "patient_split",
    "read_study",
    "reliability",
    "remove_shortcut",
    "repair_scores",
    "save_bundle",
    "scaled_softmax",
    "score_studies",
    "search_gold_share",
    "search_settings",
    "select_next",
    "site_split",
    "stratified_folds",
    "stratified_split",
    "summarize",
    "time_split",
    "time_to_quality",
    "trade_off",
    "twelve_leads",
    "uncertainty",
    "view_logits",
    "weighted_logits",
]


def __getattr__(name: str) -> Any:
    """Import what needs torch when it is asked for."""
    return imported_late(__name__, _LATE, name)
