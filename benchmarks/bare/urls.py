"""One primary-key SELECT, as plainly as Django does it."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from apps.registry.models import RegisteredModel


def one(request: HttpRequest, pk: int) -> JsonResponse:
    return JsonResponse({"name": RegisteredModel.objects.get(pk=pk).name})


def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("OK")


urlpatterns = [path("models/<int:pk>", one), path("health", health)]
