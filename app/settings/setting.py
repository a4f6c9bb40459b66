"""What one setting is: a default, its meaning, its unit, and the reason of that default."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX: Final = "HIMARI_"

Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(gt=0, lt=1)]
Multiplier = Annotated[float, Field(ge=0, le=2)]
Amount = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Pct = Annotated[float, Field(gt=0, le=1)]
Caps = dict[Annotated[str, Field(min_length=1)], Annotated[float, Field(ge=0, le=1)]]
Amounts = dict[Annotated[str, Field(min_length=1)], Amount]


def setting(default: Any, meaning: str, *, unit: str, why: str, **rules: Any) -> Any:
    """Declare a field of the settings.

    Parameters
    ----------
    default : Any
        Where the core has the same number, the core's own.
    meaning : str
        The field's description.
    unit : str
        Unit, or the values that it takes.
    why : str
        The reason of that default, not of the setting.
    **rules : Any
        Range and representation, as ``pydantic.Field`` takes them.
    """
    return Field(
        default, description=meaning, json_schema_extra={"unit": unit, "why": why}, **rules
    )


def refuse_boolean(field: FieldInfo, value: Any) -> Any:
    """Refuse ``true`` where a number is due; a lax parser would read it as 1."""
    if isinstance(value, bool) and field.annotation is not bool:
        raise ValueError("must be a number or text, not a boolean")
    return value


class Group(BaseModel):
    """A nested group: frozen, unknown keys refused, nothing NaN or infinite."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_number(cls, value: Any, info: ValidationInfo) -> Any:
        return refuse_boolean(cls.model_fields[info.field_name or ""], value)


class Part(BaseSettings):
    """A part of the settings: as strict as a group, and it reads nothing by itself."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the base class passes all by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing but the arguments; ``load_settings`` reads environment and file."""
        return (init_settings,)

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_number(cls, value: Any, info: ValidationInfo) -> Any:
        return refuse_boolean(cls.model_fields[info.field_name or ""], value)
