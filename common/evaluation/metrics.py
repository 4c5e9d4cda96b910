"""What the scores are called, what they mean, and which way is better."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """title and meaning for a person; {first} and {second} in it are the labels of two classes."""

    title: str
    meaning: str
    lower_is_better: bool = False

    def gain(self, difference: float) -> float:
        """A difference of two values, positive where the first is better."""
        return -difference if self.lower_is_better else difference


METRICS = {
    "roc_auc": Metric(
        "ROC AUC",
        "The chance that a random “{second}” row gets a higher probability than a random “{first}” "
        "row: 0.5 is guessing, 1 perfect.",
    ),
    "average_precision": Metric(
        "Average precision",
        "The mean precision while more and more of the “{second}” rows are found. Guessing gives "
        "their share of the rows.",
    ),
    "log_loss": Metric(
        "Log loss",
        "The price of the probabilities, where confident mistakes cost most; 0 is perfect.",
        lower_is_better=True,
    ),
    "brier_score": Metric(
        "Brier score",
        "The mean squared error of the probabilities; 0 is perfect.",
        lower_is_better=True,
    ),
    "expected_calibration_error": Metric(
        "Calibration error",
        "The mean distance between what is predicted and how often it happens. A model with one "
        "probability for every row, like the class prior, can be good at this and still be of no "
        "use.",
        lower_is_better=True,
    ),
    "accuracy": Metric("Accuracy", "The share of all rows called right."),
    "precision": Metric("Precision", "The share of the rows called “{second}” that are."),
    "recall": Metric(
        "Recall",
        "The share of the “{second}” rows that are called so. Flagging every row gives 1.",
    ),
    "f1": Metric("F1", "The harmonic mean of precision and recall."),
    "mean_cost": Metric(
        "Cost a row",
        "What the mistakes cost, divided by all rows: those called “{second}” wrongly and those "
        "missed, each at its price.",
        lower_is_better=True,
    ),
    "mean_reciprocal_rank": Metric(
        "Mean reciprocal rank",
        "All candidates are ranked for each query: the mean of 1 / the rank of the right one. 1 is "
        "perfect, 0.5 as if the right one came second each time.",
    ),
    "recall_at_1": Metric(
        "Recall at 1", "The share of queries for which the right candidate comes first."
    ),
    "recall_at_10": Metric(
        "Recall at 10",
        "The share of queries for which the right candidate is among the first ten.",
    ),
    "balanced_accuracy": Metric(
        "Balanced accuracy",
        "The mean over the classes of the share of their rows called right: rare classes count as "
        "much as frequent ones.",
    ),
    "f1_macro": Metric(
        "Macro F1",
        "The mean over the classes of the harmonic mean of precision and recall: rare classes "
        "count as much as frequent ones.",
    ),
    "rmse": Metric(
        "RMSE",
        "The root of the mean squared error, in the unit of the target: large errors count most.",
        lower_is_better=True,
    ),
    "mae": Metric(
        "Mean absolute error",
        "How far off a prediction is on average, in the unit of the target.",
        lower_is_better=True,
    ),
    "r2": Metric(
        "R²",
        "The share of the target's variance that is explained: 0 for the mean, 1 is perfect.",
    ),
    "mean_absolute_percentage_error": Metric(
        "Mean absolute percentage error",
        "How far off a prediction is on average, as a share of the true value.",
        lower_is_better=True,
    ),
    "rmse_log": Metric(
        "RMSE of the logarithm",
        "The root of the mean squared error of the logarithm: errors count by their ratio, so 0.1 "
        "is about 10 %.",
        lower_is_better=True,
    ),
}


def shown(value: float, beside: float | None = None) -> str:
    """A score or an error with the digits that are worth reading: 0.6995, 12.3, 1,234.

    beside: a value that decides on the decimals instead, as a mean does on those of its deviation.
    """
    size = abs(value if beside is None else beside)
    return f"{value:.4f}" if size < 10 else f"{value:,.1f}" if size < 1000 else f"{value:,.0f}"


def shown_spread(mean: float, deviation: float) -> str:
    """A mean and its standard deviation: 508.4 ± 1.7."""
    return f"{shown(mean)} ± {shown(deviation, mean)}"


def shown_difference(value: float, beside: float | None = None) -> str:
    """As `shown`, always with its sign."""
    return ("+" if value >= 0 else "") + shown(value, beside)
