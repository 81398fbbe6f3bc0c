"""What people may give to the fields of a form."""

from collections.abc import Mapping

from libs.common.contracts.forms import FormField, HumanForm
from services.engine.domain.variables.values import Value


class FormInputInvalid(ValueError):
    """What is wrong, for people."""


def checked_inputs(form: HumanForm, given: Mapping[str, Value]) -> dict[str, Value]:
    """A value for every field of the form: the one given, else its default. Whatever else is given
    is left out. Raises FormInputInvalid."""
    return {field.name: _checked(field, given) for field in form.fields}


def _checked(field: FormField, given: Mapping[str, Value]) -> Value:
    value = given.get(field.name, field.default)
    if value is None:
        raise FormInputInvalid(f"{field.name} is required.")
    match field.type:
        case "paragraph":
            if not isinstance(value, str):
                raise FormInputInvalid(f"{field.name} must be text.")
        case "select":
            if value not in field.options:
                raise FormInputInvalid(f"{field.name} must be one of {', '.join(field.options)}.")
        case "file":
            if not isinstance(value, dict):
                raise FormInputInvalid(f"{field.name} must be a file.")
        case "file-list":
            if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
                raise FormInputInvalid(f"{field.name} must be a list of files.")
    return value
