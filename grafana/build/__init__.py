"""Dashboards and the page of metrics as code; ``python -m grafana.build`` writes both.

::

    panel.py           a panel as data, and Grafana's panel made from it
    board.py           a dashboard as data, and Grafana's dashboard made from it
    boards/            the dashboards, one per reader
    families.py        every metric family that the two servers expose
    readers.py         who reads each of them: panels, alerts, or a person by name
    metrics_page.py    docs/metrics.md
"""
