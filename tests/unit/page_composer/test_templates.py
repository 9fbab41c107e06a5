from dataclasses import replace

import numpy as np
import pytest

from services.kit.checks import Checks
from services.page_composer.decision_checks import check_template
from services.page_composer.decisions import template_message, template_of
from services.page_composer.shelves.registry import GENERATORS
from services.page_composer.template import Place, Template, choose_template, read_templates
from services.page_composer.visit import Device
from tests.unit.page_composer.shop import visit

TEMPLATES = read_templates()


def test_there_is_a_template_for_every_page_and_device():
    assert {(each.page, each.device) for each in TEMPLATES.values()} == {
        (page, device) for page in ("home", "category", "item") for device in Device
    }


@pytest.mark.parametrize("name", TEMPLATES)
def test_built_in_templates_keep_to_the_contract(name):
    checks = Checks()
    check_template(checks, "template", template_message(TEMPLATES[name]))
    assert checks.violations == ()
    assert template_of(template_message(TEMPLATES[name])) == TEMPLATES[name]


@pytest.mark.parametrize("device", Device)
def test_every_shelf_can_stand_on_a_home_page(device):
    places = [place for place in TEMPLATES[f"home_{device.name.lower()}"].places if place.kind == "shelf"]
    assert any(not place.shelves for place in places)
    assert all(shelf in GENERATORS for place in places for shelf in place.shelves)


def test_a_grid_wraps_and_a_row_runs_on():
    grid = Place("shelf", "grid", columns=3, rows=2, capacity=6, minimum_fill=1)
    row = replace(grid, style="row", rows=1)
    assert [part.tolist() for part in grid.coordinates(5)] == [[0, 0, 0, 1, 1], [0, 1, 2, 0, 1]]
    assert [part.tolist() for part in row.coordinates(5)] == [[0] * 5, [0, 1, 2, 3, 4]]
    assert [grid.rows_taken(count) for count in (1, 3, 4, 6)] == [1, 1, 2, 2]
    assert row.rows_taken(6) == 1
    assert np.array_equal(grid.coordinates(0)[0], np.zeros(0))


def test_the_shops_own_template_stands_before_the_built_in_one():
    own = Template("zebra", "home", Device.DESKTOP, ())
    assert choose_template({**TEMPLATES, "zebra": own}, visit()) == own
    assert choose_template(TEMPLATES, visit(page="item:item-001", device=Device.PHONE)).template_id == "item_phone"
    only_home = {"home_phone": TEMPLATES["home_phone"]}
    assert choose_template(only_home, visit(page="category:Women", device=Device.PHONE)).template_id == "home_phone"
