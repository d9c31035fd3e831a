"""Prints streams and what River's drift detectors say at each value, as JSON."""

import json

import numpy as np
from river import drift

from plain import plain


def numbers(rng):
    return np.concatenate([
        rng.normal(0, 1, 900), rng.normal(1.2, 1, 700), rng.normal(1.2, 2.5, 400), np.linspace(1, -3, 500) + rng.normal(0, 1, 500),
    ]).round(4)


def errors(rng):
    rates = np.concatenate([np.full(800, 0.1), np.full(500, 0.35), np.linspace(0.35, 0.05, 500), np.full(700, 0.2), np.full(300, 0.6)])
    return (rng.uniform(0, 1, len(rates)) < rates).astype(int)


DETECTORS = {
    "adwin": ("numbers", lambda: drift.ADWIN()),
    "adwin of errors": ("errors", lambda: drift.ADWIN(delta=0.05, clock=8, max_buckets=3, min_window_length=7, grace_period=20)),
    "kswin": ("numbers", lambda: drift.KSWIN(seed=7)),
    "kswin wide": ("numbers", lambda: drift.KSWIN(alpha=0.02, window_size=200, stat_size=50, seed=12345)),
    "pageHinkley": ("numbers", lambda: drift.PageHinkley()),
    "pageHinkley up": ("numbers", lambda: drift.PageHinkley(mode="up", threshold=20)),
    "pageHinkley down": ("numbers", lambda: drift.PageHinkley(mode="down", threshold=20)),
    "ddm": ("errors", lambda: drift.binary.DDM()),
    "eddm": ("errors", lambda: drift.binary.EDDM()),
    "fhddm": ("hits", lambda: drift.binary.FHDDM()),
    "fhddm short": ("hits", lambda: drift.binary.FHDDM(short_window_size=20, confidence_level=0.001)),
    "hddmA": ("errors", lambda: drift.binary.HDDMA()),
    "hddmA twoSided": ("errors", lambda: drift.binary.HDDMA(two_sided_test=True)),
    "hddmW": ("errors", lambda: drift.binary.HDDMW()),
    "hddmW twoSided": ("errors", lambda: drift.binary.HDDMW(two_sided_test=True)),
}


def said(detector, values):
    """The steps at which a drift was told, at which what is said of warnings changed, and ADWIN's inner sums now and then."""
    warning = False
    found = {"drifts": [], "warnings": [], "inner": []}
    for step, value in enumerate(values.tolist()):
        detector.update(value)
        if detector.drift_detected:
            found["drifts"].append(step)
        if getattr(detector, "warning_detected", False) != warning:
            warning = not warning
            found["warnings"].append(step)
        if isinstance(detector, drift.ADWIN) and step % 97 == 0:
            found["inner"].append([step, detector.width, detector.total, detector.variance])
    return found


rng = np.random.default_rng(8)
streams = {"numbers": numbers(rng), "errors": errors(rng)}
streams["hits"] = 1 - streams["errors"]
print(json.dumps(plain({
    "streams": streams,
    "detectors": {name: {"stream": stream, **said(make(), streams[stream])} for name, (stream, make) in DETECTORS.items()},
})))
