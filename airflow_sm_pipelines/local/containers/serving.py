"""What runs in a batch transform job in place of the server inside an image: the model answers requests from files.

A program by itself: the interpreter that runs it has nothing of this package, and may be Python 3.8. It is given a
directory with ``configuration.json``, ``requests/<number>`` for each object, and ``responses/`` for the answers to
them. In such a file each item is a line of JSON that has the ``length`` of the body, and then the body. A response has
a ``status`` and a ``content_type`` too. After a request that fails, the rest of its object's requests is left out.

Scripts are run by AWS's own ``sagemaker-inference`` toolkit. What it does by default differs between the images; the
sources, read on 2026-11-27, are

- scikit-learn: ``sagemaker-scikit-learn-container``, ``serving.py``,
- XGBoost: ``sagemaker-xgboost-container``, ``serving.py``, ``encoder.py``, and without a script
  ``algorithm_mode/serve.py`` and ``serve_utils.py``,
- PyTorch: ``sagemaker-pytorch-inference-toolkit``, ``default_pytorch_inference_handler.py``.
"""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Tuple

MODEL = "/opt/ml/model"
BAD_REQUEST, UNSUPPORTED_MEDIA_TYPE, NOT_ACCEPTABLE, SERVER_ERROR = 400, 415, 406, 500
VOTED = ("multi:softmax", "binary:hinge")
"""Of several XGBoost models with such an objective the majority counts, of others the mean."""


class Answer(NamedTuple):
    """What the model answers to one request."""

    status: int
    body: bytes
    content_type: str


class RefusedError(Exception):
    """The model does not answer a request.

    :param status: of HTTP.
    :param message: what the server in the image answers.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def main(directory: Path) -> None:
    """Load the model, and answer all requests.

    :param directory: as the module describes it.
    """
    configuration = json.loads((directory / "configuration.json").read_text(encoding="utf-8"))
    code = configuration["code"]
    if code:
        requirements = Path(code) / "requirements.txt"
        if requirements.is_file():
            subprocess.check_call([sys.executable, "-m", "pip", "install", "-r", str(requirements)])
        # In place of this program's directory: the script may be called serving.py as well.
        sys.path[0] = code
    model = load(configuration)
    seconds = configuration["timeout"]
    for number in range(configuration["objects"]):
        name = "%06d" % number
        with open(directory / "requests" / name, "rb") as requests, open(directory / "responses" / name, "wb") as out:
            for body in read(requests):
                answer = answer_within(seconds, model, body, configuration["content_type"], configuration["accept"])
                write(out, answer)
                if answer.status != 200:
                    break


def load(configuration: Dict[str, Any]) -> Any:
    """Return the loaded model, something with ``answer(body, content_type, accept)``.

    :param configuration: what the job wrote.
    """
    if configuration["framework"] == "xgboost" and not os.environ.get("SAGEMAKER_PROGRAM"):
        return XGBoostAlgorithm()
    return Script(configuration["framework"])


def answer_within(
    seconds: float, model: Any, body: bytes, content_type: Optional[str], accept: Optional[str]
) -> Answer:
    """Return the model's answer, or end the program when there is none in time.

    :param seconds: the time.
    :param model: what answers.
    :param body: of the request.
    :param content_type: of the request.
    :param accept: of the request.
    """
    timer = threading.Timer(seconds, expire, (seconds,))
    timer.daemon = True
    timer.start()
    try:
        answer: Answer = model.answer(body, content_type, accept)
        return answer
    except RefusedError as refusal:
        return Answer(refusal.status, str(refusal).encode(), "text/plain")
    finally:
        timer.cancel()


def expire(seconds: float) -> None:
    """End the program: a model that does not answer cannot be interrupted.

    :param seconds: how long it had.
    """
    print(
        f"TimeoutError: the model did not answer within {seconds:g} seconds (InvocationsTimeoutInSeconds)", flush=True
    )
    os._exit(1)


def read(file: BinaryIO) -> Iterator[bytes]:
    """Yield the bodies in a file.

    :param file: of requests.
    """
    for line in iter(file.readline, b""):
        yield file.read(json.loads(line)["length"])


def write(file: BinaryIO, answer: Answer) -> None:
    """Add an answer to a file.

    :param file: of responses.
    :param answer: the answer.
    """
    header = {"status": answer.status, "content_type": answer.content_type, "length": len(answer.body)}
    file.write(json.dumps(header).encode() + b"\n" + answer.body)


class Script:
    """A script's ``model_fn``, ``input_fn``, ``predict_fn``, ``output_fn`` or ``transform_fn``, run by AWS's toolkit.

    :param framework: whose image it would be; decides what is done by default.
    """

    def __init__(self, framework: str) -> None:
        from sagemaker_inference.transformer import Transformer

        self._transformer = Transformer(default_inference_handler=HANDLERS.get(framework, Handler)())
        # The servers of these two images take a request without a content type as JSON.
        self._content_type = "application/json" if framework in ("scikit-learn", "xgboost") else None
        self._context = Context()
        self._transformer.validate_and_initialize(model_dir=MODEL, context=self._context)

    def answer(self, body: bytes, content_type: Optional[str], accept: Optional[str]) -> Answer:
        """Answer one request.

        :param body: the request.
        :param content_type: its type.
        :param accept: what type the answer should have.
        """
        self._context.ask(content_type or self._content_type, accept)
        (result,) = self._transformer.transform([{"body": body}], self._context)
        if hasattr(result, "get_data"):  # a response of Flask, which scripts for older images make
            return Answer(result.status_code, result.get_data(), result.mimetype)
        if isinstance(result, str):
            result = result.encode()
        if not isinstance(result, (bytes, bytearray)):
            raise RefusedError(SERVER_ERROR, f"TypeError: the script answers {type(result).__name__}, not str or bytes")
        return Answer(self._context.status, bytes(result), self._context.content_type)


class Context:
    """What the toolkit receives of a request, in the form of the server that it was written for."""

    def __init__(self) -> None:
        self.system_properties = {"model_dir": MODEL}
        self.request_processor = [self]
        self.ask(None, None)

    def ask(self, content_type: Optional[str], accept: Optional[str]) -> None:
        """Begin with another request.

        :param content_type: its type.
        :param accept: what type the answer should have.
        """
        headers = {"Content-Type": content_type, "Accept": accept}
        self._headers = {name: value for name, value in headers.items() if value is not None}
        self.status, self.content_type = 200, ""

    def get_request_properties(self) -> Dict[str, str]:
        """Return the request's headers."""
        return self._headers

    def set_response_content_type(self, _index: int, content_type: str) -> None:
        """Take note of the answer's type.

        :param _index: of the request in a batch; there is one.
        :param content_type: the type.
        """
        self.content_type = content_type

    def set_response_status(self, code: int, phrase: str) -> None:
        """Take note that the request failed.

        :param code: of HTTP.
        :param phrase: why.
        """
        self.status, self.content_type = int(code), phrase


class Handler:
    """What an image does where the script has no function for it; of an image that is not known, what the toolkit does.

    The status of a type that is not known is that of the servers in images; the toolkit itself would answer 500.
    """

    def __init__(self) -> None:
        from sagemaker_inference.default_inference_handler import DefaultInferenceHandler

        self._toolkit = DefaultInferenceHandler()

    def default_model_fn(self, model_dir: str) -> Any:
        """Return the model.

        :param model_dir: the directory of its files.
        """
        return self._toolkit.default_model_fn(model_dir)

    def default_input_fn(self, input_data: Any, content_type: str) -> Any:
        """Return what the model can predict from.

        :param input_data: the request; JSON and CSV as text.
        :param content_type: its type.
        """
        return answered_with(UNSUPPORTED_MEDIA_TYPE, self.decode, input_data, content_type)

    def default_predict_fn(self, data: Any, model: Any) -> Any:
        """Return predictions.

        :param data: to predict from.
        :param model: the model.
        """
        return self._toolkit.default_predict_fn(data, model)

    def default_output_fn(self, prediction: Any, accept: str) -> Any:
        """Return the answer.

        :param prediction: what was predicted.
        :param accept: what type the answer should have.
        """
        return answered_with(NOT_ACCEPTABLE, self._toolkit.default_output_fn, self.plain(prediction), accept)

    def decode(self, data: Any, content_type: str) -> Any:
        """Return a request as an array, or the like.

        :param data: the request.
        :param content_type: its type.
        """
        return self._toolkit.default_input_fn(data, content_type)

    def plain(self, prediction: Any) -> Any:
        """Return predictions as the toolkit can write them.

        :param prediction: what was predicted.
        """
        return prediction


class ScikitLearn(Handler):
    """A table becomes an array of 32 bits; one row, or one column, has one dimension."""

    def decode(self, data: Any, content_type: str) -> Any:
        """Return the array.

        :param data: the request.
        :param content_type: its type.
        """
        import numpy as np

        if content_type == "text/csv":
            # The toolkit would take a text that is not a number as NaN.
            rows = list(csv.reader(io.StringIO(data), strict=True))
            return np.array(rows).squeeze().astype(float).astype(np.float32)
        array = super().decode(data, content_type)
        return array.astype(np.float32) if content_type == "application/json" else array

    def default_predict_fn(self, data: Any, model: Any) -> Any:
        """Return predictions.

        :param data: to predict from.
        :param model: the model.
        """
        return model.predict(data)


class XGBoost(Handler):
    """A table becomes a DMatrix."""

    def decode(self, data: Any, content_type: str) -> Any:
        """Return the DMatrix.

        :param data: the request.
        :param content_type: its type.
        """
        from sagemaker_inference.errors import UnsupportedFormatError

        media_type = content_type.split(";", maxsplit=1)[0].strip()
        text = data.decode() if isinstance(data, bytes) else data
        if media_type == "text/csv":
            return csv_matrix(text)
        if media_type in ("text/libsvm", "text/x-libsvm"):
            return libsvm_matrix(text)
        raise UnsupportedFormatError(media_type)

    def default_predict_fn(self, data: Any, model: Any) -> Any:
        """Return predictions.

        :param data: to predict from.
        :param model: the model.
        """
        return model.predict(data, validate_features=False)


class PyTorch(Handler):
    """A TorchScript model, and tensors."""

    def default_model_fn(self, model_dir: str) -> Any:
        """Return the model in ``model.pt``, or in the only file of that kind.

        :param model_dir: the directory of its files.
        """
        import torch

        path = Path(model_dir) / "model.pt"
        if not path.exists():
            files = [each for each in Path(model_dir).iterdir() if each.is_file() and each.suffix in (".pt", ".pth")]
            if len(files) != 1:
                names = [each.name for each in files]
                raise ValueError(f"Exactly one .pth or .pt file is required for PyTorch models: {names}")
            path = files[0]
        return torch.jit.load(str(path), map_location=self._device()).to(self._device())

    def decode(self, data: Any, content_type: str) -> Any:
        """Return the tensor.

        :param data: the request.
        :param content_type: its type.
        """
        import torch

        array = super().decode(data, content_type)
        is_text = content_type in ("application/json", "text/csv")
        return (torch.FloatTensor(array) if is_text else torch.from_numpy(array)).to(self._device())

    def default_predict_fn(self, data: Any, model: Any) -> Any:
        """Return predictions.

        :param data: to predict from.
        :param model: the model.
        """
        import torch

        with torch.no_grad():
            model.to(self._device()).eval()
            return model(data.to(self._device()))

    def plain(self, prediction: Any) -> Any:
        """Return a tensor as lists.

        :param prediction: what was predicted.
        """
        import torch

        return prediction.detach().cpu().numpy().tolist() if type(prediction) is torch.Tensor else prediction

    @staticmethod
    def _device() -> Any:
        import torch

        return torch.device("cuda" if torch.cuda.is_available() else "cpu")


HANDLERS = {"scikit-learn": ScikitLearn, "xgboost": XGBoost, "pytorch": PyTorch}


def answered_with(status: int, function: Any, value: Any, media_type: str) -> Any:
    """Call a function, and have the request answered with a status where it does not know a type.

    :param status: of HTTP.
    :param function: what is called.
    :param value: its first argument.
    :param media_type: its second.
    """
    from sagemaker_inference.errors import BaseInferenceToolkitError, UnsupportedFormatError

    try:
        return function(value, media_type)
    except UnsupportedFormatError as error:
        raise BaseInferenceToolkitError(status, str(error), str(error)) from error


class XGBoostAlgorithm:
    """A model of the built-in algorithm, or any booster, without a script."""

    def __init__(self) -> None:
        self._models = [load_booster(path) for path in model_files(Path(MODEL))]
        settings = json.loads(self._models[0][0].save_config())
        self._objective = settings["learner"]["objective"]["name"]

    def answer(self, body: bytes, content_type: Optional[str], accept: Optional[str]) -> Answer:
        """Answer one request.

        :param body: the request.
        :param content_type: its type: CSV or libsvm, by default libsvm.
        :param accept: what type the answer should have. In batch transform each prediction is a line, whatever it is.
        """
        table_type = table_type_of(content_type)
        try:
            text = body.strip().decode("utf-8")
            matrix = csv_matrix(text) if table_type == "csv" else libsvm_matrix(text)
        except Exception as error:
            message = f"Loading {table_type} data failed with Exception, please ensure data is in {table_type} format:"
            # The image says no more. Whoever has CSV, and nowhere named libsvm, needs it.
            hint = "" if content_type else ". The input has no ContentType, so it is read as libsvm; CSV needs text/csv"
            raise RefusedError(UNSUPPORTED_MEDIA_TYPE, f"{message} {type(error)} {error}{hint}") from error
        try:
            predictions = self._predict(matrix, table_type)
        except Exception as error:
            traceback.print_exc()
            raise RefusedError(BAD_REQUEST, f"Unable to evaluate payload provided: {error}") from error
        shown = accepted_type(accept)
        return Answer(200, ("\n".join(map(str, predictions.tolist())) + "\n").encode(), shown)

    def _predict(self, matrix: Any, table_type: str) -> Any:
        booster, was_pickled = self._models[0]
        if was_pickled:
            check_features(booster.num_features(), matrix.num_col(), table_type)
        results = [predict(each, matrix) for each, _ in self._models]
        if len(results) == 1:
            return results[0]
        import numpy as np

        return majority(results) if self._objective in VOTED else np.mean(results, axis=0)


def majority(results: List[Any]) -> Any:
    """Return what most models predict for each row; of several the smallest.

    :param results: the predictions of each model, a number for each row.
    """
    import numpy as np

    counted = [np.unique(row, return_counts=True) for row in np.array(results).T]
    return np.array([values[counts.argmax()] for values, counts in counted])


def model_files(directory: Path) -> List[Path]:
    """Return the files that are models: all, or only the first, as SAGEMAKER_INFERENCE_ENSEMBLE says.

    :param directory: the model's.
    :raises RuntimeError: there is none.
    """
    files = sorted(path for path in directory.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise RuntimeError("Unable to load model: the model has no file, such as xgboost-model")
    return files if os.environ.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true") == "true" else files[:1]


def load_booster(path: Path) -> Tuple[Any, bool]:
    """Return a booster, and whether it was pickled rather than saved by XGBoost.

    :param path: the file.
    :raises RuntimeError: it is neither.
    """
    import xgboost

    was_pickled = True
    try:
        with open(path, "rb") as file:
            booster = pickle.load(file)
    except Exception as unpickled:  # whatever it is, XGBoost may be able to read it
        was_pickled = False
        try:
            booster = xgboost.Booster()
            booster.load_model(str(path))
        except Exception as error:
            raise RuntimeError(
                f"Model {path} cannot be loaded: Pickle load error={unpickled} XGB load model error={error}"
            ) from error
    booster.set_param("nthread", 1)
    return booster, was_pickled


def predict(booster: Any, matrix: Any) -> Any:
    """Return predictions, of the best iteration where a booster of an older XGBoost knows it.

    :param booster: the model.
    :param matrix: the data.
    """
    best = int(getattr(booster, "best_ntree_limit", 0) or 0)
    if best > 0:
        return booster.predict(matrix, iteration_range=(0, best), validate_features=False)
    return booster.predict(matrix, validate_features=False)


def check_features(known: int, given: int, table_type: str) -> None:
    """Check the number of columns.

    :param known: how many the model was trained with.
    :param given: how many there are.
    :param table_type: ``csv`` or ``libsvm``.
    :raises ValueError: they do not fit.
    """
    if table_type == "libsvm" and given > known + 1:
        raise ValueError(
            f"Feature size of libsvm inference data {given} is larger than feature size of trained model {known}."
        )
    if table_type == "csv" and given not in (known, known + 1):
        raise ValueError(
            f"Feature size of csv inference data {given} is not consistent with feature size of trained model {known}."
        )


def table_type_of(content_type: Optional[str]) -> str:
    """Return ``csv`` or ``libsvm``.

    :param content_type: of the request; without one it is libsvm.
    :raises RefusedError: it is something else.
    """
    if content_type is None:
        return "libsvm"
    media_type, *parameters = [part.strip() for part in content_type.lower().split(";")]
    if media_type in ("csv", "text/csv"):
        sizes = [part.split("=")[1].strip() for part in parameters if part.replace(" ", "").startswith("label_size=")]
        if sizes not in ([], ["1"]):
            raise RefusedError(
                UNSUPPORTED_MEDIA_TYPE,
                f"{content_type} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1",
            )
        return "csv"
    if media_type in ("libsvm", "text/libsvm", "text/x-libsvm"):
        return "libsvm"
    raise RefusedError(
        UNSUPPORTED_MEDIA_TYPE,
        f"Content-type {content_type} is not supported: the local endpoint reads text/csv and text/libsvm.",
    )


def accepted_type(accept: Optional[str]) -> str:
    """Return the type of the answer.

    :param accept: what the request accepts.
    :raises RefusedError: there is no such answer.
    """
    media_type = (accept or "").split(";")[0].strip().lower()
    if media_type in ("", "*/*"):
        return os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv")
    supported = ["application/json", "application/jsonlines", "application/x-recordio-protobuf", "text/csv"]
    if media_type not in supported:
        raise RefusedError(
            NOT_ACCEPTABLE,
            f"Accept type {accept} is not supported. Please use supported accept types: {supported}.",
        )
    return media_type


def csv_matrix(text: str) -> Any:
    """Return a table as a DMatrix.

    :param text: rows without a header. An empty cell is a missing value. The first row tells the delimiter.
    """
    import numpy as np
    import xgboost

    lines = text.split("\n")
    sniffed = csv.Sniffer().sniff(lines[0][:512]).delimiter
    delimiter = "," if sniffed.isalnum() else sniffed
    rows = [[cell or "nan" for cell in line.split(delimiter)] for line in lines]
    return xgboost.DMatrix(np.array(rows).astype(float))


def libsvm_matrix(text: str) -> Any:
    """Return sparse rows as a DMatrix.

    :param text: rows of ``column:value``; columns count from 0, or from 1 where there is no column 0.
    """
    import numpy as np
    import xgboost
    from scipy.sparse import csr_matrix

    rows: List[int] = []
    columns: List[int] = []
    values: List[float] = []
    for number, line in enumerate(text.strip().split("\n")):
        for item in line.split():
            column, colon, value = item.partition(":")
            if colon:
                rows.append(number)
                columns.append(int(column))
                values.append(float(value))
    first = 1 if columns and min(columns) >= 1 else 0
    places = np.array(columns, dtype=int) - first
    return xgboost.DMatrix(csr_matrix((np.array(values), (np.array(rows, dtype=int), places))))


def run(directory: Path) -> None:
    """Do it, and end the program, whatever threads the script has started: a server would be ended, too.

    :param directory: as the module describes it.
    """
    code = 1
    try:
        main(directory)
        code = 0
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # the script may have closed it
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
