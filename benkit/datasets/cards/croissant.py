"""A card as Croissant JSON-LD, the vocabulary of MLCommons for data sets.

Source: the Croissant format specification 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec.html).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from benkit.datasets.cards.card import Card

_CR, _SC = "http://mlcommons.org/croissant/", "https://schema.org/"
_OF_CROISSANT = (
    "citeAs", "column", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
    "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
    "references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField",
    "transform", "equivalentProperty",
)  # fmt: skip
_CONTEXT = {
    "@language": "en",
    "@vocab": _SC,
    "cr": _CR,
    "dct": "http://purl.org/dc/terms/",
    "rai": f"{_CR}RAI/",
    "sc": _SC,
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{name: f"cr:{name}" for name in _OF_CROISSANT},
}
_SIDES = {
    "train": "https://mlcommons.org/definitions/training_split",
    "validation": "https://mlcommons.org/definitions/validation_split",
    "test": "https://mlcommons.org/definitions/test_split",
}
_FORMATS = {
    ".json": "application/json", ".md": "text/markdown", ".parquet": "application/x-parquet",
}  # fmt: skip
_ABOUT = {"license": "license", "cite_as": "citeAs", "published": "datePublished", "url": "url"}
_ITEMS = {"id": "sc:Text", "labels": "sc:Text", "season": "sc:Text", "datetime": "sc:DateTime"}


def croissant(card: Card, files: Mapping[str, bytes] | None = None) -> str:
    """The text of the JSON-LD.

    Parameters
    ----------
    card : Card
    files : mapping of str to bytes, optional
        Files of the card that lie beside it; the one that ends with ``.parquet`` has the STAC items.
    """
    values, files = card.values, files or {}
    about = values["about"]
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": f"{_CR}1.0",
        "name": about.get("name", card.identifier),
        "description": card.sentence,
        "identifier": f"sha256:{values['pixels']['sha256']}",
        "version": f"1.0.0+{values['pixels']['sha256'][:12]}",
    }
    document |= {key: about[name] for name, key in _ABOUT.items() if name in about}
    document["distribution"] = [_file(name, content) for name, content in files.items()]
    items = [name for name in files if name.endswith(".parquet")]
    document["recordSet"] = [
        _records("hashes", "Hashes of the pixels, the labels and the split.", _hashes(values)),
        _records("bands", f"Statistics of the bands, over: {_of(values)}.", _bands(values)),
        _records("classes", f"The classes, and weights over: {_of(values)}.", _classes(values)),
        *_split_records(values["split"]),
        *(_items(name) for name in items),
    ]
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _of(values: Mapping[str, Any]) -> str:
    return "the train side" if values["split"] else "all patches"


def _file(name: str, content: bytes) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{len(content)} B",
        "encodingFormat": _FORMATS[name[name.rindex(".") :]],
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _hashes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"of": what, "sha256": values[what]["sha256"], "line": line}
        for what, line in values["lines"].items()
        if values[what]
    ]


def _bands(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"band": name, **one} for name, one in values["statistics"]["bands"].items()]


def _classes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    orders, weights = values["class_order"], values["class_weights"]
    nomenclature = orders["nomenclature"]
    return [
        {
            "label": name,
            "alphabetical": number,
            "nomenclature": nomenclature and nomenclature.index(name),
            "patches": values["counts"]["label"][name]["all"],
            "inverse_frequency": weights["inverse_frequency"]["weights"][name],
            "pos_weight": weights["pos_weight"]["weights"][name],
        }
        for number, name in enumerate(orders["alphabetical"])
    ]


def _split_records(split: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    if split is None:
        return []
    sides = [
        {"side": name, "url": _SIDES[name], "patches": size}
        for name, size in split["patches"].items()
    ]
    metrics = [
        {"metric": name, "value": value}
        for name, value in split["evaluation"].items()
        if isinstance(value, int | float)
    ]
    records = _records("sides", "The sides of the split.", sides)
    records |= {"dataType": "cr:Split"}
    return [
        records,
        _records("metrics", "Metrics of the test side against the train side.", metrics),
    ]


def _records(name: str, description: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A record set with its rows."""
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{name}/{key}",
            "name": key,
            "dataType": _type_of([row[key] for row in rows]),
        }
        for key in rows[0]
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "key": {"@id": fields[0]["@id"]},
        "field": fields,
        "data": [{f"{name}/{key}": value for key, value in row.items()} for row in rows],
    }


def _type_of(values: Sequence[Any]) -> str:
    if any(isinstance(value, str) for value in values):
        return "sc:Text"
    return "sc:Float" if any(isinstance(value, float) for value in values) else "sc:Integer"


def _items(file_name: str) -> dict[str, Any]:
    """The record set of the patches, in the file of the STAC items."""
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"patches/{column}",
            "name": column,
            "dataType": kind,
            **({"repeated": True} if column == "labels" else {}),
            "source": {"fileObject": {"@id": file_name}, "extract": {"column": column}},
        }
        for column, kind in _ITEMS.items()
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "patches",
        "name": "patches",
        "description": "The patches, one a row.",
        "key": {"@id": "patches/id"},
        "field": fields,
    }
