"""What the database keeps as counts, beside what counting says."""

from collections import Counter

from apps.retraining import queries
from apps.retraining.models import RetrainingRequest


def assert_counts_are_true() -> None:
    """Of every request that there is, also of those without runs."""
    requests = list(RetrainingRequest.objects.all())
    kept = queries.progress_of([request.pk for request in requests])
    for request in requests:
        counted = Counter(request.runs.values_list("status", flat=True))
        assert kept.get(request.pk, queries.Progress()) == queries.Progress(**counted), request
