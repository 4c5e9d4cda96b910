"""Metrics of predicted numbers, with weights per group of rows.

Everything is summed up once by group; each further weighting costs a few sums, so that a thousand
resamples take seconds. tests/test_regression.py shows results equal to scikit-learn's.
"""

import numpy as np

from common.errors import UserError


class RegressionRows:
    """Predicted numbers beside the true ones, prepared for metrics under any weights.

    target, prediction: (rows,) in the target's unit, all positive where log_scale; else UserError.
    group: (rows,) whole numbers from 0, the group of each row, since weights are given by group; by
    default all rows are one group. log_scale: errors count by their ratio, so rmse_log is told too.
    """

    def __init__(
        self,
        target: np.ndarray,
        prediction: np.ndarray,
        group: np.ndarray | None = None,
        log_scale: bool = False,
    ):
        self.target, self.prediction = checked(target, prediction, log_scale)
        self.group = np.zeros(len(self.target), int) if group is None else group
        self.log_scale = log_scale
        columns = self.summands()
        self.columns = list(columns)
        self.sums = np.stack(
            [np.bincount(self.group, values) for values in columns.values()], axis=1
        )

    def summands(self) -> dict[str, np.ndarray]:
        """What the metrics add up, (rows,) each.

        The target is counted from its median, so that its variance loses no digits, and is exactly
        0 where all targets are equal.
        """
        error = self.prediction - self.target
        centred = self.target - np.median(self.target)
        columns = {
            "rows": np.ones(len(error)),
            "squared_error": error**2,
            "absolute_error": np.abs(error),
            "target": centred,
            "squared_target": centred**2,
        }
        if np.all(self.target > 0):
            columns["relative_error"] = np.abs(error) / self.target
        if self.log_scale:
            columns["squared_log_error"] = np.log(self.prediction / self.target) ** 2
        return columns

    def metrics(self, weights: np.ndarray | None = None) -> dict[str, float]:
        """Every metric by its scikit-learn name; `weights` of shape (groups,), by default 1 each.

        rmse, mae: in the target's unit. r2: share of the target's variance explained, NaN where the
        weighted targets are all equal. mean_absolute_percentage_error: a share (0.1 is 10 %), only
        where all targets are positive. rmse_log: RMSE of the natural logarithms, only on a
        logarithmic scale.
        """
        weights = np.ones(len(self.sums)) if weights is None else weights
        sums = dict(zip(self.columns, (weights @ self.sums).tolist(), strict=True))
        rows = sums["rows"]
        variation = sums["squared_target"] - sums["target"] ** 2 / rows
        differ = variation > 1e-12 * sums["squared_target"]  # below is rounding
        metrics = {
            "rmse": (sums["squared_error"] / rows) ** 0.5,
            "mae": sums["absolute_error"] / rows,
            "r2": 1 - sums["squared_error"] / variation if differ else float("nan"),
        }
        if "relative_error" in sums:
            metrics["mean_absolute_percentage_error"] = sums["relative_error"] / rows
        if "squared_log_error" in sums:
            metrics["rmse_log"] = (sums["squared_log_error"] / rows) ** 0.5
        return metrics


def checked(
    target: np.ndarray, prediction: np.ndarray, log_scale: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 (rows,); UserError where they differ in shape or hold no usable numbers."""
    target, prediction = np.asarray(target, "float64"), np.asarray(prediction, "float64")
    if target.ndim != 1 or target.shape != prediction.shape:
        raise UserError(
            f"Targets of shape {target.shape} and predictions of shape {prediction.shape} do not "
            "belong together. Both should be (rows,): one number a row; flatten what is (rows, 1)."
        )
    for name, values, cure in (
        ("targets", target, "Mend or drop those rows."),
        ("predictions", prediction, "Has the training diverged? Then lower its learning rate."),
    ):
        strange = ~np.isfinite(values)
        wanted = "finite numbers"
        if log_scale:
            strange |= values <= 0
            wanted = "positive numbers, as a logarithmic scale needs"
        if strange.any():
            raise UserError(
                f"{strange.sum()} of {len(values)} {name} are not {wanted}; the first is "
                f"{values[strange][0]} in row {np.argmax(strange)}. {cure}"
            )
    return target, prediction
