"""Reading names and types from schema.prisma."""

from __future__ import annotations

import pytest

from helpers.database_url import libpq_url, prisma_url, without_password
from helpers.errors import SettingsError
from helpers.prisma.datamodel import FieldKind, parse_datamodel, read_datamodel
from helpers.prisma.generate import SCHEMA

TRICKY = """
// model Commented { id Int @id }
enum Colour {
  RED   @map("r//d") // the first
  GREEN
  @@map("colours")
}

model Thing { // a comment
  a     Int    @map(name: "key_a")
  b     String @default("model X { id Int @id }") @db.VarChar(20)
  other Thing?  @relation("self", fields: [a], references: [a])
  many  Thing[] @relation("self")
  hues  Colour[]
  at    DateTime? @map("at_time") @db.Timestamptz(3)
  @@id([a, b], map: "thing_pk")
  @@map("things")
}
"""


def test_names_types_and_keys_are_read() -> None:
    """Maps with and without `name:`, comments, strings that look like code, lists, relations, composite keys."""
    model = parse_datamodel(TRICKY)
    thing = model.models["Thing"]
    assert set(model.models) == {"Thing"}
    assert model.enums == {"Colour": {"r//d": "RED", "GREEN": "GREEN"}}
    assert (thing.table, thing.key, thing.accessor) == ("things", ("a", "b"), "thing")
    assert {name: field.name for name, field in thing.columns.items()} == {
        "key_a": "a", "b": "b", "hues": "hues", "at_time": "at",
    }  # fmt: skip
    fields = {field.name: field for field in thing.fields}
    assert (fields["at"].native, fields["at"].is_optional) == ("Timestamptz(3)", True)
    assert (fields["hues"].kind, fields["hues"].is_list) == (FieldKind.ENUM, True)
    assert fields["other"].kind is fields["many"].kind is FieldKind.RELATION


def test_a_table_leads_to_its_model() -> None:
    """And an unknown one to a sentence that names those there are."""
    datamodel = read_datamodel(SCHEMA)
    assert datamodel.model_of_table("messages").name == "Message"
    with pytest.raises(SettingsError, match="events, members, messages"):
        datamodel.model_of_table("Message")


def test_urls_are_translated_for_their_readers() -> None:
    """libpq refuses what only Prisma knows; Prisma needs the schema; nobody prints a password."""
    url = "postgresql://u:p%40ss@h:5432/d?schema=a&pgbouncer=true&sslmode=require&connection_limit=1"
    assert libpq_url(url) == "postgresql://u:p%40ss@h:5432/d?sslmode=require"
    assert libpq_url("postgresql://h/d?sslcert=ca.pem") == "postgresql://h/d?sslrootcert=ca.pem"
    assert prisma_url("postgresql://u@h/d", "my schema") == "postgresql://u@h/d?schema=my%20schema"
    assert prisma_url(url, "b").count("schema=") == 1
    assert without_password("no p%40ss here", url) == "no *** here"


def test_names_of_keys_schemas_and_strange_columns() -> None:
    """A key of several fields has the name that the client calls it by, and what the client hides is marked."""
    text = r"""
    model One {
      a Int @map("the \"a\"")
      b Int
      c Unsupported("circle")?
      d String @ignore
      @@id(name: "both", fields: [a, b])
      @@schema("odd")
    }
    model Two {
      a Int
      b Int
      @@id([b, a], map: "two_pkey")
    }
    """
    one, two = parse_datamodel(text).models.values()
    assert (one.key, one.key_name, one.schema) == (("a", "b"), "both", "odd")
    assert (two.key, two.key_name, two.schema) == (("b", "a"), "b_a", "")
    assert one.fields[0].column == 'the "a"'
    assert [field.name for field in one.fields if field.is_hidden] == ["c", "d"]
    assert [field.name for field in one.columns.values()] == ["a", "b"]
    assert [field.name for field in two.key_fields] == ["b", "a"]
