"""Certificates of an authority of our own, made while the tests run by the openssl program."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ANSWER_TO_SIGNING: Final = """
[ca]
default_ca = own
[own]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""
_PAST: Final = ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z")


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files of a certificate and its private key."""

    certificate: Path
    key: Path

    def for_server(self) -> ssl.SSLContext:
        """Make what a server shows it with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """Signs certificates; ``certificate`` is the PEM file of its own."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder / name
        self._folder.mkdir()
        (self._folder / "index.txt").touch()
        self._config = self._folder / "openssl.cnf"
        self._config.write_text(_ANSWER_TO_SIGNING.format(folder=self._folder), "ascii")
        self.certificate = self._folder / "ca.pem"
        self._key = self._folder / "ca.key"
        self._openssl(
            "req", "-x509", *self._new_key(self._key), "-subj", f"/CN={name}", "-days", "2",
            "-out", str(self.certificate),
        )  # fmt: skip

    def issue(self, host: str = "IP:127.0.0.1", *, expired: bool = False) -> Certificate:
        """Sign a certificate for ``IP:address`` or ``DNS:name``."""
        place = self._folder / host.replace(":", "-").replace(".", "-")
        made = Certificate(place.with_suffix(".pem"), place.with_suffix(".key"))
        request, extensions = place.with_suffix(".csr"), place.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={host}\n", "ascii")
        self._openssl("req", *self._new_key(made.key), "-subj", "/CN=leaf", "-out", str(request))
        dates = _PAST if expired else ("-days", "2")
        self._openssl(
            "ca", "-batch", "-notext", "-config", str(self._config), *dates,
            "-cert", str(self.certificate), "-keyfile", str(self._key), "-in", str(request),
            "-extfile", str(extensions), "-out", str(made.certificate),
        )  # fmt: skip
        return made

    @staticmethod
    def _new_key(path: Path) -> tuple[str, ...]:
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        return (*curve, "-nodes", "-keyout", str(path))

    @staticmethod
    def _openssl(*words: str) -> None:
        done = subprocess.run(
            ["openssl", *words],  # noqa: S607 - of the PATH
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
