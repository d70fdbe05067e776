"""Addresses of webhooks below `/api/v1/`."""

from django.urls import path

from webapp.webhooks import api, generation_api

_ENDPOINT = "webhook-endpoints/<uuid:endpoint_id>"
_DELIVERY = "webhook-deliveries/<uuid:delivery_id>"

urlpatterns = [
    path("generations", generation_api.GenerationsApi.as_view(), name="generations"),
    path("webhook-endpoints", api.EndpointsApi.as_view(), name="webhook-endpoints"),
    path(_ENDPOINT, api.EndpointApi.as_view(), name="webhook-endpoint"),
    path(f"{_ENDPOINT}/rotate-secret", api.RotateSecretApi.as_view(), name="webhook-rotate"),
    path(f"{_ENDPOINT}/test", api.TestEndpointApi.as_view(), name="webhook-test"),
    path(f"{_ENDPOINT}/deliveries", api.DeliveriesApi.as_view(), name="webhook-deliveries"),
    path(_DELIVERY, api.DeliveryApi.as_view(), name="webhook-delivery"),
    path(f"{_DELIVERY}/resend", api.ResendDeliveryApi.as_view(), name="webhook-resend"),
]
