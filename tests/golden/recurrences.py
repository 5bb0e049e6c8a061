"""The recurrent equations as their papers write them, one number after the other in NumPy: what the encoders are held against.

No product is shared with the library; float64 throughout. x is "T I", everything is of one row.
"""

from __future__ import annotations

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def elman(x, w, u, b, nonlinearity):
    """h = f(W x + U h + b), Elman 1990."""
    function = {"tanh": np.tanh, "relu": lambda a: np.maximum(a, 0), "sigmoid": sigmoid}[nonlinearity]
    h, states = np.zeros(len(u)), []
    for step in x:
        h = function(w @ step + u @ h + b)
        states.append(h)
    return np.array(states)


def lstm(x, w, u, b):
    """Hochreiter and Schmidhuber 1997 with the forget gate of Gers 2000; w, u, b hold input, forget, cell, output."""
    width = u.shape[1]
    h, c, states = np.zeros(width), np.zeros(width), []
    for step in x:
        i, f, g, o = np.split(w @ step + u @ h + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states)


def gru_after(x, w, u, b, v, h=None):
    """The form of cuDNN: the reset gate after the product; w, u, b, v hold reset, update, new; b of the input, v of the state."""
    h, states = np.zeros(u.shape[1]) if h is None else h, []
    for step in x:
        (xr, xz, xn), (hr, hz, hn) = np.split(w @ step + b, 3), np.split(u @ h + v, 3)
        r, z = sigmoid(xr + hr), sigmoid(xz + hz)
        h = (1 - z) * np.tanh(xn + r * hn) + z * h
        states.append(h)
    return np.array(states)


def gru_before(x, w, u, b):
    """Cho 2014: the reset gate before the product; w, u, b hold update, reset, new, the update being the share of the new."""
    width = u.shape[1]
    uz, ur, un = np.split(u, 3)
    h, states = np.zeros(width), []
    for step in x:
        xz, xr, xn = np.split(w @ step + b, 3)
        z, r = sigmoid(xz + uz @ h), sigmoid(xr + ur @ h)
        h = (1 - z) * h + z * np.tanh(xn + un @ (r * h))
        states.append(h)
    return np.array(states)


def intervals(time, seen):
    """Equation 1 of Che 2018: the time since each feature was seen, before each step."""
    since = np.zeros(seen.shape)
    for t in range(1, len(time)):
        since[t] = time[t] - time[t - 1] + np.where(seen[t - 1], 0, since[t - 1])
    return since


def gru_d(x, seen, since, mean, input_decay, state_decay, w, v, u, b):
    """Equations 3 to 14 of Che 2018; w over the inputs, v over the mask, u over the state, each update, reset, new.

    input_decay is (rate, bias) by feature, state_decay (matrix, bias).
    """
    width = u.shape[1]
    uz, ur, un = np.split(u, 3)
    h, latest, states = np.zeros(width), mean.copy(), []
    for step, m, d in zip(x, seen, since, strict=True):
        latest = np.where(m, step, latest)
        fade = np.exp(-np.maximum(0, input_decay[0] * d + input_decay[1]))
        filled = np.where(m, step, fade * latest + (1 - fade) * mean)
        h = np.exp(-np.maximum(0, state_decay[0] @ d + state_decay[1])) * h
        xz, xr, xn = np.split(w @ filled + v @ m.astype(float) + b, 3)
        z, r = sigmoid(xz + uz @ h), sigmoid(xr + ur @ h)
        h = (1 - z) * h + z * np.tanh(xn + un @ (r * h))
        states.append(h)
    return np.array(states)
