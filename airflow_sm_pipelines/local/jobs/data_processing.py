"""DataProcessing of a transform job: what of a record the model gets, and what is stored of record and prediction.

Source: the developer guide's "Associate Prediction Results with Input Records". InputFilter selects from the record;
JoinSource puts the prediction to the whole record; OutputFilter selects from that. A row of CSV is an array of texts.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_sm_pipelines.local.jobs.json_paths import InvalidPathError, JsonPath, NothingSelectedError
from airflow_sm_pipelines.local.jobs.records import Batch, lines_of

CSV: Final = "text/csv"
FORMATS: Final = (CSV, "application/json", "application/jsonlines")
"""The MIME types whose records can be filtered and joined."""

_WHOLE: Final = "$"


class DataProcessingError(Exception):
    """A record or a prediction cannot be filtered or joined."""


@dataclass(frozen=True)
class DataProcessing:
    """What is done to records and predictions.

    :param input_filter: selects what the model gets.
    :param output_filter: selects what is stored.
    :param joins: whether the prediction is put to the record.
    :param input_is_csv: records are rows of CSV, else JSON.
    :param output_is_csv: predictions are rows of CSV, else JSON.
    :param by_line: each line is a record; else an object is one.
    """

    input_filter: JsonPath
    output_filter: JsonPath
    joins: bool
    input_is_csv: bool
    output_is_csv: bool
    by_line: bool

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> DataProcessing:
        """What a create request asks for; the problems that it may have were looked for.

        :param request: the request.
        """
        asked = request.get("DataProcessing", {})
        source, output = request["TransformInput"], request["TransformOutput"]
        return cls(
            JsonPath.parse(asked.get("InputFilter") or _WHOLE),
            JsonPath.parse(asked.get("OutputFilter") or _WHOLE),
            asked.get("JoinSource", "None") == "Input",
            media_type(source.get("ContentType")) == CSV,
            media_type(output.get("Accept")) == CSV,
            source.get("SplitType", "None") == "Line",
        )

    def sent(self, record: bytes) -> bytes:
        """What the model gets of a record.

        :param record: the record.
        :raises DataProcessingError: it cannot be read, or has nothing where the filter looks.
        """
        if self.input_filter.is_whole:
            return record
        selected = _select(self.input_filter, _read(record, "the input", is_csv=self.input_is_csv))
        return _written(selected, is_csv=self.input_is_csv)

    def stored(self, batch: Batch, answer: bytes) -> bytes:
        """What is stored of a request's records and of the answer to them.

        :param batch: the request.
        :param answer: the model's.
        :raises DataProcessingError: they cannot be joined, or have nothing where the filter looks.
        """
        if self.output_filter.is_whole and not self.joins:
            return answer
        predictions = lines_of(answer) if self.by_line else [answer]
        if self.joins and len(predictions) != len(batch.records):
            raise DataProcessingError(
                f"Fail to join data: the model answers {len(batch.records)} records with {len(predictions)} lines"
            )
        stored = []
        for index, prediction in enumerate(predictions):
            value = _read(prediction, "output from the algorithm", is_csv=self.output_is_csv)
            if self.joins:
                record = _read(batch.records[index].original, "the input", is_csv=self.input_is_csv)
                value = [*record, *value] if self.output_is_csv else _joined(record, value)
            stored.append(_written(_select(self.output_filter, value), is_csv=self.output_is_csv))
        return b"\n".join(stored)


def data_processing_problems(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with DataProcessing, and where. What is not a text passes: the run decides on it.

    :param request: of CreateTransformJob.
    """
    asked, source, output = (
        value if isinstance(value := request.get(key), Mapping) else {}
        for key in ("DataProcessing", "TransformInput", "TransformOutput")
    )
    joins = asked.get("JoinSource") == "Input"
    content_type, accept = source.get("ContentType", ""), output.get("Accept", "")
    yield from _filter_problems(asked, "InputFilter", content_type)
    yield from _filter_problems(asked, "OutputFilter", accept)
    reads_input, reads_output = (joins or _selects(asked, name) for name in ("InputFilter", "OutputFilter"))
    for is_read, value, name in (
        (reads_input, content_type, ".TransformInput.ContentType"),
        (reads_output, accept, ".TransformOutput.Accept"),
    ):
        if is_read and isinstance(value, str) and media_type(value) not in FORMATS:
            shown = f"is {value!r}" if value else "is not given"
            yield f"filters and joins read {', '.join(FORMATS)}; {name.rpartition('.')[2]} {shown}", name
    if joins and _is_format(content_type) and _is_format(accept) and _is_csv(content_type) != _is_csv(accept):
        yield f"JoinSource joins CSV with CSV, and JSON with JSON, not {content_type} with {accept}", ".DataProcessing"
    for is_read, value, part, key in (
        (reads_input, content_type, source, "TransformInput.SplitType"),
        (reads_output, accept, output, "TransformOutput.AssembleWith"),
    ):
        name = key.rpartition(".")[2]
        if is_read and _is_csv(value) and part.get(name, "None") == "None":
            yield f"filters and joins of CSV need {name} Line", f".{key}"


def media_type(value: Any) -> str:
    """A MIME type without its parameters, in lower case; empty for what is not a text.

    :param value: such as ``text/csv; charset=utf-8``.
    """
    return value.partition(";")[0].strip().lower() if isinstance(value, str) else ""


def _is_csv(value: Any) -> bool:
    return media_type(value) == CSV


def _is_format(value: Any) -> bool:
    return media_type(value) in FORMATS


def _selects(asked: Mapping[str, Any], name: str) -> bool:
    text = asked.get(name) or _WHOLE
    return isinstance(text, str) and text.strip() != _WHOLE


def _filter_problems(asked: Mapping[str, Any], name: str, kind: Any) -> Iterator[tuple[str, str]]:
    text = asked.get(name) or _WHOLE
    if not isinstance(text, str):
        return
    try:
        path = JsonPath.parse(text)
    except InvalidPathError as error:
        yield f"{name}: {error}", f".DataProcessing.{name}"
        return
    if _is_csv(kind) and not path.is_by_index:
        yield f"{name}: a row of CSV is an array, so {text} has to be an index or a range", f".DataProcessing.{name}"


def _select(path: JsonPath, value: Any) -> Any:
    try:
        return path.select(value)
    except NothingSelectedError as error:
        raise DataProcessingError(str(error)) from error


def _read(text: bytes, what: str, *, is_csv: bool) -> Any:
    """The value of a record or a prediction."""
    try:
        if is_csv:
            return next(csv.reader([text.decode("utf-8")], strict=True), [])
        return json.loads(text)
    except (ValueError, csv.Error, RecursionError) as error:
        raise DataProcessingError(f"Failed to parse {what} as {'CSV' if is_csv else 'JSON'}: {error}") from error


def _joined(record: Any, prediction: Any) -> Any:
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": prediction}
    return {"SageMakerInput": record, "SageMakerOutput": prediction}


def _written(value: Any, *, is_csv: bool) -> bytes:
    if not is_csv:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return row.getvalue().encode()
