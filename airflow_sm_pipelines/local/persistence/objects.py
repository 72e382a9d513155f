"""S3's buckets and objects: written after each request that changes them, and given back to moto by requests.

Of an object its latest version is kept: content, metadata and tags. Not kept are earlier versions, the time of the last
change, ACLs, locks, and the parts of uploads that are not complete.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

from airflow_sm_pipelines.local.persistence.directory import DataDirectory, digest_of
from airflow_sm_pipelines.local.persistence.moto import NO_CONTENT, NOT_FOUND, OK, Moto
from airflow_sm_pipelines.local.persistence.s3_changes import BucketChange, ObjectChange

_BUCKETS: Final = "buckets"
_OBJECTS: Final = "objects"
_REGION: Final = "us-east-1"  # buckets of all regions are reached by any
_KEPT_HEADERS: Final = (
    *("cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"),
    *("x-amz-storage-class", "x-amz-website-redirect-location"),
)
_METADATA: Final = "x-amz-meta-"
_LOCKS: Final = 64

logger = logging.getLogger(__name__)


class KeptObjects:
    """The buckets and objects of a data directory. Safe to use from threads.

    :param directory: where they are kept.
    :param moto: who has them.
    """

    def __init__(self, directory: DataDirectory, moto: Moto) -> None:
        self._directory = directory
        self._moto = moto
        self._bucket_lock = threading.Lock()
        self._key_locks = [threading.Lock() for _ in range(_LOCKS)]
        self._buckets: dict[str, dict[str, Any]] = {}
        self._digests: dict[str, str] = {}
        self._uses: Counter[str] = Counter()
        self._uses_lock = threading.Lock()

    def restore(self) -> None:
        """Give moto what is kept. Configurations come last: they are about what happens to objects from then on."""
        self._buckets = self._directory.read(_BUCKETS)
        self._restore_buckets(made=True)
        for key, kept in self._directory.read(_OBJECTS).items():
            if self._restore_object(kept):
                self._digests[key] = kept["content"]
                self._uses[kept["content"]] += 1
            else:
                self._directory.remove(_OBJECTS, key)
        self._directory.remove_other_contents(self._uses)
        self._restore_buckets(made=False)

    def keep(self, change: BucketChange | ObjectChange) -> None:
        """Write what a request has changed.

        :param change: what that is. Whether it is there now, and what it is, moto is asked.
        """
        if isinstance(change, BucketChange):
            self._keep_bucket(change)
        else:
            for key in change.keys:
                self._keep_object(change.bucket, key)

    def _keep_bucket(self, change: BucketChange) -> None:
        """Remember the requests that make the bucket what it is: the latest of each kind, in order."""
        name = change.bucket
        with self._bucket_lock:
            if change.method == "DELETE" and not change.query:
                self._buckets.pop(name, None)
                self._directory.remove(_BUCKETS, name)
                return
            known = self._buckets.get(name, {"name": name, "requests": []})
            if change.method == "PUT" and not change.query and known["requests"]:
                return  # made again, which changes nothing
            requests = [each for each in known["requests"] if each["query"] != change.query]
            if change.method == "PUT":
                requests.append(
                    {
                        "query": change.query,
                        "region": change.region,
                        "headers": dict(change.headers),
                        "body": change.body,
                    }
                )
            self._buckets[name] = {"name": name, "requests": requests}
            self._directory.write(_BUCKETS, name, self._buckets[name])

    def _keep_object(self, bucket: str, key: str) -> None:
        """Write an object as it is now. Of two requests about it at once the second one sees what both have done."""
        identity = f"{bucket}/{key}"
        path = _path(bucket, key)
        with self._key_locks[hash(identity) % _LOCKS]:
            answer = self._moto.s3("GET", path, _REGION)
            if answer.status_code == NOT_FOUND:
                self._directory.remove(_OBJECTS, identity)
                self._release(self._digests.pop(identity, None))
                return
            if answer.status_code != OK:
                logger.warning("s3:/%s is not kept, for it cannot be read: %s", path, answer.get_data(as_text=True))
                # What it was before is not what anybody should find there.
                self._directory.remove(_OBJECTS, identity)
                self._release(self._digests.pop(identity, None))
                return
            content = answer.get_data()
            headers = {name.lower(): value for name, value in answer.headers.items()}
            kept = {name: headers[name] for name in headers if name in _KEPT_HEADERS or name.startswith(_METADATA)}
            if headers.get("x-amz-tagging-count", "0") != "0":
                kept["x-amz-tagging"] = _tagging(self._moto.s3("GET", f"{path}?tagging", _REGION).get_data())
            with self._used(digest_of(content)) as digest:
                self._directory.write_content(content)
                self._directory.write(
                    _OBJECTS, identity, {"bucket": bucket, "key": key, "headers": kept, "content": digest}
                )
                before = self._digests.get(identity)
                self._digests[identity] = digest
            self._release(before)

    @contextmanager
    def _used(self, digest: str) -> Iterator[str]:
        """Claim a content, before it is written: nobody removes it meanwhile. Keep the claim unless something fails."""
        with self._uses_lock:
            self._uses[digest] += 1
        try:
            yield digest
        except BaseException:
            self._release(digest)
            raise

    def _release(self, digest: str | None) -> None:
        """Remove a content that no object has any more."""
        if digest is None:
            return
        with self._uses_lock:
            self._uses[digest] -= 1
            if not self._uses[digest]:
                del self._uses[digest]
                self._directory.remove_content(digest)

    def _restore_buckets(self, *, made: bool) -> None:
        """Make the buckets, or configure them.

        :param made: which of both.
        """
        for bucket in self._buckets.values():
            for request in bucket["requests"]:
                query = request["query"]
                if made is bool(query):
                    continue
                path = f"{_path(bucket['name'])}{'?' if query else ''}{query}"
                answer = self._moto.s3("PUT", path, request["region"], request["headers"], request["body"].encode())
                if answer.status_code not in (OK, NO_CONTENT):
                    logger.warning("PUT %s could not be restored: %s", path, answer.get_data(as_text=True))

    def _restore_object(self, kept: dict[str, Any]) -> bool:
        path = _path(kept["bucket"], kept["key"])
        content = self._directory.content(kept["content"])
        if content is None:
            logger.warning("s3:/%s is lost: its content is not whole", path)
            return False
        answer = self._moto.s3("PUT", path, _REGION, kept["headers"], content)
        if answer.status_code != OK:
            logger.warning("s3:/%s is lost: %s", path, answer.get_data(as_text=True))
            return False
        return True


def _path(bucket: str, key: str = "") -> str:
    return f"/{quote(bucket, safe='')}{'/' if key else ''}{quote(key)}"


def _tagging(answer: bytes) -> str:
    """The tags in an answer to GetObjectTagging, as a header has them."""
    root = ET.fromstring(answer)  # noqa: S314 - moto has written it
    texts = [each.text or "" for each in root.iter() if each.tag.rpartition("}")[2] in ("Key", "Value")]
    return urlencode(dict(zip(texts[::2], texts[1::2], strict=True)))
