"""The statistics of the evidence: pure functions of daily arrays, and the page that prints them.

The way of the data:

1. an evaluation hands over daily net returns of every policy (panels.py) by case (results.py);
2. panel_figures.py and figures.py turn them into figures with intervals, by statistics.py,
   bootstrap.py and overfitting.py, and name what was not run;
3. gate_table.py holds them against the bounds, gates.py gives the verdicts and alpha;
4. page.py writes docs/evidence.md (sections.py, tables.py, wording.py), its PNG files
   (pictures.py) and its JSON.

The heads of the model are judged by volatility.py, against volatility_baselines.py, by intervals.py
and by calibration.py. acceptance.py runs the whole report on the fold models, shuffles.py on days
in another order; method.py holds the page's words. trials.py counts every attempt. series.py
refuses what no statistic can use.
"""
