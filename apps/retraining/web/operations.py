"""What operators look after: workers, queues, what runs, what failed."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.rules import is_operator
from apps.accounts.signed_in import person
from apps.retraining import oversight, queries
from apps.retraining.web.page import PageRequest, template_for
from apps.retraining.web.requests import request_rows

OPEN_PER_PAGE = 20


@require_safe
def operations(request: PageRequest) -> HttpResponse:
    """Everybody may look; only operators see buttons here. Others cancel their own on the request's page."""
    page = Paginator(oversight.open_requests(person(request)), OPEN_PER_PAGE).get_page(request.GET.get("page"))
    workers = [(worker, queries.is_alive(worker)) for worker in queries.workers()]
    shown = {
        "workers": workers,
        "alive": sum(alive for _, alive in workers),
        "slots": queries.slots(),
        "depths": queries.queue_depths(),
        "loads": oversight.load_by_pipeline(person(request)),
        "page": page,
        "rows": request_rows(list(page.object_list)),
        "failures": oversight.recent_failures(person(request)),
        "operates": is_operator(person(request)),
    }
    return render(request, template_for(request, "retraining/operations.html", "live"), shown)
