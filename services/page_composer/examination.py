"""P(examined | device, row, column): from the release where there is one, else the prior of the template."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from services.page_composer.arrays import Floats, Ints
from services.page_composer.visit import Device

# Prior: attention falls hyperbolically with each row and each column, faster down a small screen. Replaced by
# fitted curves as soon as a release has any.
_ROW_DECAY = {Device.DESKTOP: 0.22, Device.TABLET: 0.25, Device.PHONE: 0.30}
_COLUMN_DECAY = {Device.DESKTOP: 0.06, Device.TABLET: 0.10, Device.PHONE: 0.20}


@dataclass(frozen=True)
class Examination:
    """Examination curves; `[rows, columns]` by device."""

    curves: Mapping[Device, Floats] = field(default_factory=dict)

    def probability(self, device: Device, rows: Ints, columns: Ints) -> Floats:
        """`[n]` P(examined) of slots. Beyond a curve's edge it takes the edge's value, as in training."""
        curve = self.curves.get(device)
        if curve is None:
            down, across = _ROW_DECAY[device], _COLUMN_DECAY[device]
            return 1.0 / ((1.0 + down * rows) * (1.0 + across * columns))
        inside = np.minimum(rows, curve.shape[0] - 1), np.minimum(columns, curve.shape[1] - 1)
        return np.asarray(curve[inside], np.float64)


def read_examination(content: Any) -> Examination:
    """Read a release's `page/examination.json`: {"curves": {device number: [rows][columns]}}. Raises: ValueError."""
    curves = {Device(int(device)): np.asarray(curve, np.float64) for device, curve in content["curves"].items()}
    for device, curve in curves.items():
        if curve.ndim != 2 or not curve.size or not np.all((curve > 0.0) & (curve <= 1.0)):
            raise ValueError(f"the examination curve of {device.name} is not a table of probabilities above 0")
    return Examination(curves)
