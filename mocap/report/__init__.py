"""The quality report of a take: ``quality`` measures, ``thresholds`` grades, ``page`` and ``index`` draw for people."""
