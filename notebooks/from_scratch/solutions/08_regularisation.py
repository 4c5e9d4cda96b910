"""Solutions of notebook 8."""

import numpy as np


def dropped(x, gradient, rate, chance):
    factor = (chance >= rate) / (1 - rate)  # of x on the way up, of the gradient on the way down
    return x * factor, gradient * factor


def when_to_stop(losses, patience):
    lowest, kept = np.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < lowest:
            lowest, kept = loss, epoch
        if epoch - kept == patience:
            break
    return epoch, kept


def smoothed(labels, classes, redrawn):
    # redrawn / classes for each class, the typed one too: it may have been drawn again
    return (1 - redrawn) * np.eye(classes)[labels] + redrawn / classes
