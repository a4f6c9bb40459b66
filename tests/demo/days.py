"""Fifteen days on five made-up instruments, with more than a year before them."""

from app.demo.scenario import prepare_scenario
from tests.history.panels import random_walk

PANEL = random_walk(560, 5)
SCENARIO = prepare_scenario(PANEL, slice(540, 555))
