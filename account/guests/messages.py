"""Converts requests about guests from protobuf."""

from souk.account.v1 import guest_service_pb2 as pb

from account.accounts.domain import ContactDetails
from kit.values import FieldReader


def contact_from_proto(request: pb.SetGuestContactRequest) -> ContactDetails:
    """Raises InvalidArgument with every invalid field, each named within `contact`."""
    reading = FieldReader()
    contact = ContactDetails.read(
        reading, name=request.name, email=request.email, phone=request.phone, path=("contact",)
    )
    reading.raise_if_invalid()
    return contact
