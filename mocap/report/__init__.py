"""The quality report of a take: ``quality`` measures, ``thresholds`` grades, ``page`` and ``index`` make HTML pages."""
